"""OpenTelemetry: the user's standard variables say whether spans are sent, and to which collector.

Without them, or without the extra `otel`, none of it is imported. In a program that has set a
tracer provider, spans go there. A thread sends them; the end of a session waits a moment.
"""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import cache
from importlib.metadata import version
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from core.secrets.redaction import redacted
from graph.background.spans import Spans

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SpanExporter

ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
#: What OpenTelemetry's own instrumentations of models ask, before they record a conversation.
CONTENT = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"
WITH_CONTENT = ("true", "1", "span_only", "span_and_event")
#: Seconds that the end of a session waits for spans that were not sent yet.
PATIENCE = 2.0


def endpoint(environ: Mapping[str, str] = os.environ) -> str:
    """The collector that the user's variables name; "": none."""
    is_off = environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true"
    if is_off or environ.get("OTEL_TRACES_EXPORTER", "").strip() == "none":
        return ""
    return next((environ[name] for name in ENDPOINTS if environ.get(name)), "")


def place() -> str:
    """`endpoint`, without what may be a credential."""
    return redacted(endpoint().partition("?")[0].rpartition("@")[2])


def is_installed() -> bool:
    """Whether the extra `otel` is there."""
    try:
        return find_spec("opentelemetry.exporter.otlp.proto.http") is not None
    except ModuleNotFoundError:
        return False


def spans_of(thread: str, notice: Callable[[str], None]) -> Telemetry | None:
    """The spans of a session in `thread`; None: not wanted, or not installed."""
    provider = _hosts_provider()
    own = None
    if provider is None and endpoint() and is_installed():
        own = _own_provider()
        provider = own.provider
    if provider is None:
        return None
    tracer = provider.get_tracer("ml-agent", version("ml-agent"))
    with_content = os.environ.get(CONTENT, "").strip().lower() in WITH_CONTENT
    return Telemetry(Spans(tracer, thread, with_content=with_content), own, notice)


class Telemetry:
    """The spans of one session, and what sends them. own: ours; None: the program's."""

    def __init__(
        self, spans: Spans, own: _OwnProvider | None, notice: Callable[[str], None]
    ) -> None:
        self.spans = spans
        self._own = own
        self._notice = notice

    async def flush(self) -> None:
        """Send what waits. A collector that does not answer is named once, and not waited for."""
        if self._own is None:
            return
        own, sent, loop = self._own, asyncio.Event(), asyncio.get_running_loop()

        def send() -> None:
            own.provider.force_flush()
            with suppress(RuntimeError):  # the loop has ended: no one waits
                loop.call_soon_threadsafe(sent.set)

        # A thread of an executor would be waited for when the program ends.
        threading.Thread(target=send, daemon=True).start()
        with suppress(TimeoutError):
            await asyncio.wait_for(sent.wait(), PATIENCE)
        if (own.has_failed or not sent.is_set()) and not own.is_told:
            own.is_told = True
            self._notice(f"traces were not sent: {place()} does not take them (OTLP over HTTP)")


class _OwnProvider:
    """Sends to the endpoint of the user's variables. has_failed: a batch was not sent."""

    def __init__(self) -> None:
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor

        named = os.environ.get("OTEL_SERVICE_NAME") or "service.name=" in os.environ.get(
            "OTEL_RESOURCE_ATTRIBUTES", ""
        )
        resource = Resource.create({} if named else {"service.name": "ml-agent"})
        # Its own end would wait for a collector that is down.
        self.provider = TracerProvider(resource=resource, shutdown_on_exit=False)
        self.provider.add_span_processor(BatchSpanProcessor(self._exporter()))
        self.has_failed = self.is_told = False

    def _exporter(self) -> SpanExporter:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.trace.export import SpanExportResult

        def note(result: Any) -> Any:
            self.has_failed = self.has_failed or result is not SpanExportResult.SUCCESS
            return result

        class Noting(OTLPSpanExporter):
            def export(self, spans: Any) -> Any:
                return note(super().export(spans))

        return Noting()


@cache
def _own_provider() -> _OwnProvider:
    return _OwnProvider()


def _hosts_provider() -> TracerProvider | None:
    """The provider that the program around us has set."""
    if "opentelemetry.sdk.trace" not in sys.modules:
        return None
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.trace import get_tracer_provider

    provider = get_tracer_provider()
    return provider if isinstance(provider, TracerProvider) else None
