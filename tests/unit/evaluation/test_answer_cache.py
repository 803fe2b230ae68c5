from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from k8s_log_agent.evaluation.answer_cache import AnswerCache


def test_an_answer_is_there_in_the_next_run(tmp_path: Path) -> None:
    path = tmp_path / "state" / "answers.jsonl"
    with AnswerCache(path) as cache:
        cache.put("key", {"cause": "disk_full"})

    assert AnswerCache(path).get("key") == {"cause": "disk_full"}
    assert AnswerCache(path).get("other") is None


def test_an_answer_is_on_the_disk_before_the_run_ends(tmp_path: Path) -> None:
    path = tmp_path / "answers.jsonl"
    with AnswerCache(path) as cache:
        cache.put("key", {"number": 1})

        assert AnswerCache(path).get("key") == {"number": 1}


def test_a_line_that_was_cut_off_costs_only_itself(tmp_path: Path) -> None:
    path = tmp_path / "answers.jsonl"
    with AnswerCache(path) as cache:
        cache.put("whole", {"number": 1})
    with path.open("a") as file:
        file.write('{"key": "half", "val')

    with AnswerCache(path) as again:
        again.put("next", {"number": 2})

    kept = AnswerCache(path)
    assert (kept.get("whole"), kept.get("half"), kept.get("next")) == ({"number": 1}, None, {"number": 2})
    assert len(path.read_text().splitlines()) == 2


def test_an_answer_that_comes_after_the_end_touches_nothing(tmp_path: Path) -> None:
    path = tmp_path / "answers.jsonl"
    with AnswerCache(path) as cache:
        cache.put("key", {"number": 1})
    before = path.read_bytes()

    cache.put("late", {"number": 2})

    assert path.read_bytes() == before and [one.name for one in tmp_path.iterdir()] == [path.name]


def test_nothing_is_written_until_there_is_something_to_keep(tmp_path: Path) -> None:
    path = tmp_path / "answers.jsonl"

    with AnswerCache(path) as cache:
        cache.get("key")

    assert not path.exists()


def test_answers_of_several_threads_are_all_kept(tmp_path: Path) -> None:
    path = tmp_path / "answers.jsonl"
    with AnswerCache(path) as cache, ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: cache.put(str(number), {"number": number}), range(200)))

    assert len(AnswerCache(path)) == 200
