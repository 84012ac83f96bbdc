"""A state to start from is not changed by the run that starts from it."""

from __future__ import annotations

from pathlib import Path

from bench import copies


def test_data_is_linked_and_what_is_written_again_is_copied(tmp_path: Path) -> None:
    table = tmp_path / "a" / "lake" / "taps"
    (table / "_delta_log").mkdir(parents=True)
    for name in ("1.parquet", "d.bin", "_delta_log/0.json", "_delta_log/0.checkpoint.parquet"):
        (table / name).write_text("before")
    (tmp_path / "a" / "secrets").mkdir()

    copies.copy(tmp_path / "a", tmp_path / "b", ["lake"])

    made = tmp_path / "b" / "lake" / "taps"
    for name, is_linked in (
        ("1.parquet", True),
        ("d.bin", True),
        ("_delta_log/0.json", False),
        ("_delta_log/0.checkpoint.parquet", False),
    ):
        assert (made / name).read_text() == "before"
        assert (made / name).samefile(table / name) == is_linked
    (made / "_delta_log" / "1.json").write_text("after")
    assert not (table / "_delta_log" / "1.json").exists()
    assert not (tmp_path / "b" / "secrets").exists()
