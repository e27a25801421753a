"""The spool: what is kept survives, what is torn was never answered for, and nobody sends twice
what another is sending.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from ingest.collector.spool import Frame, Spool, SpoolError


def frame(number: int) -> Frame:
    return Frame("footfall.raw", number % 4, [b'{"event": %d}' % number, b"second"])


def taken(spool: Spool) -> list[Frame]:
    """Everything that can be sent, sent."""
    found = []
    while (segment := spool.oldest()) is not None:
        found += list(segment.frames())
        segment.delete()
    return found


def test_what_was_kept_is_there_in_order_for_the_next_process(tmp_path: Path) -> None:
    first = Spool(tmp_path)
    first.keep([frame(1), frame(2)])
    first.keep([frame(3)])
    first.close()
    assert taken(Spool(tmp_path)) == [frame(1), frame(2), frame(3)]
    assert Spool(tmp_path).size() == 0
    assert list(tmp_path.iterdir()) == []


def test_what_another_process_still_writes_is_left_to_it(tmp_path: Path) -> None:
    writing, other = Spool(tmp_path), Spool(tmp_path)
    writing.keep([frame(1)])
    assert other.size() > 0
    assert other.oldest() is None
    writing.seal()
    assert taken(other) == [frame(1)]
    assert writing.oldest() is None


def test_two_processes_never_send_the_same_segment_at_once(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    for number in (1, 2):
        spool.keep([frame(number)])
        spool.seal()
    one, two = spool.oldest(), Spool(tmp_path).oldest()
    assert one is not None
    assert two is not None
    assert [*one.frames(), *two.frames()] == [frame(1), frame(2)]
    assert Spool(tmp_path).oldest() is None
    one.close()  # not sent after all
    two.delete()
    assert taken(Spool(tmp_path)) == [frame(1)]


@pytest.mark.parametrize("lost", range(1, 40, 3))
def test_a_frame_that_was_cut_off_is_not_there_and_those_before_it_are(
    tmp_path: Path, lost: int
) -> None:
    spool = Spool(tmp_path)
    spool.keep([frame(1)])
    kept = spool.size()
    spool.keep([frame(2)])
    spool.close()
    (path,) = tmp_path.iterdir()
    whole = path.read_bytes()
    assert len(whole) - lost > kept, "only the second is cut"
    path.write_bytes(whole[:-lost])
    assert taken(Spool(tmp_path)) == [frame(1)]


def test_a_frame_with_a_flipped_bit_ends_its_segment(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    spool.keep([frame(1), frame(2), frame(3)])
    spool.close()
    (path,) = tmp_path.iterdir()
    content = bytearray(path.read_bytes())
    content[content.index(b"second", len(content) // 3)] ^= 1  # what is read is as long as before
    path.write_bytes(bytes(content))
    assert taken(Spool(tmp_path)) == [frame(1)]


def test_a_segment_that_cannot_be_opened_does_not_hold_up_the_others(tmp_path: Path) -> None:
    (tmp_path / "0.spool").mkdir()
    spool = Spool(tmp_path)
    spool.keep([frame(1)])
    spool.seal()
    assert taken(spool) == [frame(1)]
    assert spool.size() > 0, "it is still told"


def test_a_full_spool_refuses_and_keeps_what_it_has(tmp_path: Path) -> None:
    spool = Spool(tmp_path, max_bytes=100)
    with pytest.raises(SpoolError, match="full"):  # noqa: PT012  the number does not matter
        for number in range(100):
            spool.keep([frame(number)])
    before = spool.size()
    with pytest.raises(SpoolError):
        spool.keep([frame(0)])
    assert spool.size() == before
    spool.seal()
    assert taken(spool)[0] == frame(0)
    spool.keep([frame(7)])
    spool.close()


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SpoolError, match="file/spool"):
        Spool(tmp_path / "file" / "spool")
