"""What is published as a Space fits what the server asks for."""

from pathlib import Path

import yaml

from docs import write_space
from server.oauth import SCOPES
from server.space import PORT


def test_the_readme_of_the_space_has_the_front_matter(tmp_path: Path) -> None:
    count = write_space.write(tmp_path)
    text = (tmp_path / "README.md").read_text(encoding="utf-8")
    front = yaml.safe_load(text.split("---\n")[1])
    assert (front["sdk"], front["app_port"], front["hf_oauth"]) == ("docker", PORT, True)
    assert front["hf_oauth_scopes"] == list(SCOPES)
    assert "# ML Agent" in text
    assert count > 300
    for name in ("Dockerfile", "server/page/index.html", "configs/system_prompt.md"):
        assert (tmp_path / name).is_file()
    assert not (tmp_path / "tests").exists()


def test_the_image_is_of_user_1000_and_serves_the_port() -> None:
    text = (write_space.ROOT / "Dockerfile").read_text(encoding="utf-8")
    assert "--uid 1000" in text
    assert text.index("USER user") < text.index('CMD ["ml-agent"')
    assert f"EXPOSE {PORT}" in text
