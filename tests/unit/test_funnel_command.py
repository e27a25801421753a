"""`footfall funnel`: what it is asked is judged before ClickHouse is."""

from __future__ import annotations

import pytest

from infra.cli import main


@pytest.mark.parametrize("field", ["nonsense", "person_id", "properties."])
def test_a_field_that_is_no_breakdown_is_wrong_usage(
    field: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["funnel", "checkout", "--by", field])
    assert ended.value.code == 2
    assert f"--by: unknown field '{field}'" in capsys.readouterr().err
