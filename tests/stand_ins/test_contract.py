"""The checker of the stand-ins finds what differs from the document, and nothing else."""

from typing import Any

import pytest

from tests.stand_ins.contract import Contract, trimmed

DOCUMENT: dict[str, Any] = {
    "openapi": "3.0.3",
    "info": {"title": "t", "version": "1"},
    "paths": {
        "/things": {
            "get": {
                "parameters": [
                    {"name": "q", "in": "query", "required": True, "schema": {"type": "string"}},
                    {"name": "n", "in": "query", "schema": {"type": "integer", "maximum": 9}},
                    {
                        "name": "tag",
                        "in": "query",
                        "schema": {"type": "array", "items": {"type": "string"}},
                    },
                    {"name": "all", "in": "query", "schema": {"type": "boolean"}},
                ],
                "responses": {
                    "200": {
                        "content": {
                            "application/json": {
                                "schema": {
                                    "type": "array",
                                    "items": {"$ref": "#/components/schemas/Thing"},
                                }
                            }
                        }
                    }
                },
            },
            "post": {
                "requestBody": {
                    "required": True,
                    "content": {
                        "application/json": {"schema": {"$ref": "#/components/schemas/Thing"}}
                    },
                },
                "responses": {"201": {"description": "made"}},
            },
        },
        "/things/mine": {"get": {"responses": {"200": {"description": "nothing to say"}}}},
        "/things/{id}/tree/{path}": {
            "get": {
                "parameters": [
                    {"name": "id", "in": "path", "required": True, "schema": {"enum": ["a", "b/c"]}}
                ],
                "responses": {"200": {"description": "a file"}},
            }
        },
    },
    "components": {
        "schemas": {
            "Thing": {
                "type": "object",
                "properties": {
                    "name": {"type": "string", "nullable": True},
                    "example": {"type": "integer"},
                    "kind": {"$ref": "#/components/schemas/Kind"},
                    "who": {
                        "allOf": [
                            {"type": "object", "required": ["a"], "additionalProperties": False},
                            {"type": "object", "required": ["b"], "additionalProperties": False},
                        ]
                    },
                },
                "required": ["name"],
                "additionalProperties": False,
            },
            "Kind": {"enum": ["big", "small"]},
            "Unused": {"type": "string"},
        }
    },
}


@pytest.fixture
def contract() -> Contract:
    return Contract(DOCUMENT)


def test_a_request_that_fits(contract: Contract) -> None:
    assert contract.request_problems("GET", "/things?q=1&n=3&tag=x&tag=y&all=true") == []
    assert contract.request_problems("GET", "/things?q=x&tag=one") == []
    assert contract.request_problems("POST", "/things", {"name": None, "example": 2}) == []


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("/things", "query: q is missing"),
        ("/things?q=x&n=ten", "n: 'ten' is not of type 'integer'"),
        ("/things?q=x&n=10", "n: '10' is not of type 'integer'"),
        ("/things?q=x&all=perhaps", "all: 'perhaps' is not of type 'boolean'"),
        ("/things?q=x&limit=3", "query: there is no limit"),
        ("/things/x/tree/", "id: 'x' is not one of ['a', 'b/c']"),
    ],
)
def test_a_request_that_does_not(contract: Contract, url: str, problem: str) -> None:
    (found,) = contract.request_problems("GET", url)
    assert found.endswith(problem)


def test_bodies_of_requests(contract: Contract) -> None:
    assert contract.request_problems("POST", "/things") == ["POST /things: body: there is none"]
    (found,) = contract.request_problems("POST", "/things", {"name": "x", "kind": "odd"})
    assert found == "POST /things: body/kind: 'odd' is not one of ['big', 'small']"


def test_answers(contract: Contract) -> None:
    good = [{"name": None, "kind": "big", "who": {"a": 1, "b": 2}}]
    assert contract.response_problems("GET", "/things", 200, good) == []
    assert contract.response_problems("GET", "/things", 404, {"anything": 1}) == []
    (found,) = contract.response_problems("GET", "/things", 200, [{"name": "x", "more": 1}])
    assert "body/0" in found
    assert "'more' was unexpected" in found
    assert contract.response_problems("GET", "/things", 200)[0].endswith("it has no JSON body")
    assert "the document has only 201" in contract.response_problems("POST", "/things", 200)[0]


def test_which_operation_a_path_is(contract: Contract) -> None:
    assert not contract.has("DELETE", "/things")
    assert not contract.has("GET", "/elsewhere")
    mine = contract.operation("get", "/things/mine?x=1")
    assert mine is not None
    assert mine.template == "/things/mine"
    assert contract.has("GET", "/things/a/tree")
    deep = contract.operation("GET", "/things/b%2Fc/tree/x/y.txt")
    assert deep is not None
    assert deep.in_path == {"id": "b/c", "path": "x/y.txt"}
    assert contract.request_problems("GET", "/things/b%2Fc/tree/x/y.txt") == []


def test_a_document_is_cut_to_what_is_used() -> None:
    small = trimmed(DOCUMENT, ["POST /things"])
    assert list(small["paths"]) == ["/things"]
    assert list(small["paths"]["/things"]) == ["post"]
    assert sorted(small["components"]["schemas"]) == ["Kind", "Thing"]
    assert Contract(small).request_problems("POST", "/things", {"name": "x"}) == []


def test_the_hubs_document_can_be_satisfied() -> None:
    """Its authors are an `allOf` of closed objects, which no author could satisfy."""
    hub = Contract.load("hf-hub.json")
    author = {
        "_id": "0" * 24,
        "avatarUrl": "",
        "fullname": "Ann",
        "name": "ann",
        "isHf": False,
        "isHfAdmin": False,
        "isMod": False,
        "type": "user",
        "isPro": False,
        "isOwner": True,
    }
    event = {
        "id": "1",
        "author": author,
        "createdAt": "2026-01-01T00:00:00.000Z",
        "type": "status-change",
        "data": {"status": "closed"},
    }
    body = {"newStatus": event}
    path = "/api/models/a/b/discussions/1/status"
    problems = hub.response_problems("POST", path, 200, body)
    assert problems == []
    assert hub.response_problems("POST", path, 200, {"newStatus": {**event, "id": 1}})
