"""The `audit` fixture: a suite's numbers in a Python test."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

Write = Callable[..., Path]


def test_a_test_asks_for_numbers_by_name(pytester: pytest.Pytester, write_suite: Write) -> None:
    write_suite()
    pytester.makepyfile(
        """
        import pytest

        def test_numbers(audit):
            tones = audit("tones.audit.yaml")
            assert tones.recall("calm") == 1.0
            assert tones.recall("calm", check="gaussian_noise", at=0.5) == 0.0
            assert tones.accuracy() == pytest.approx(2 / 3)
            assert tones.uar(check="gaussian_noise", at=0.001) == pytest.approx(2 / 3)
            assert not tones.passed
        """
    )
    pytester.runpytest("test_a_test_asks_for_numbers_by_name.py").assert_outcomes(passed=1)


def test_a_path_is_found_beside_the_test_and_under_rootdir(pytester: pytest.Pytester, write_suite: Write) -> None:
    write_suite()
    folder = pytester.mkdir("unit")
    (folder / "test_root.py").write_text("def test_it(audit):\n    assert audit('tones.audit.yaml').accuracy() > 0\n")
    (folder / "test_beside.py").write_text(
        "def test_it(audit):\n    assert audit('../tones.audit.yaml').accuracy() > 0\n"
    )
    pytester.runpytest("unit").assert_outcomes(passed=2)


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ("recal('calm')", "*did you mean 'recall'*"),
        ("recall('clam')", "*did you mean 'calm'*"),
        ("recall('calm', check='gausian_noise', at=0.5)", "*did you mean 'gaussian_noise'*"),
        ("recall('calm', check='gaussian_noise', at=0.05)", "*at=0.05*there are: 0.001, 0.5*"),
        ("recall()", "*recall needs emotion=*calm, angry, sad*"),
    ],
)
def test_an_unknown_name_is_told_with_the_nearest(
    pytester: pytest.Pytester, write_suite: Write, asked: str, told: str
) -> None:
    write_suite()
    pytester.makepyfile(f'def test_it(audit):\n    audit("tones.audit.yaml").{asked}\n')
    result = pytester.runpytest("test_an_unknown_name_is_told_with_the_nearest.py")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines([told])


def test_a_missing_suite_is_told(pytester: pytest.Pytester) -> None:
    pytester.makepyfile('def test_it(audit):\n    audit("nowhere.audit.yaml")\n')
    result = pytester.runpytest()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*nowhere.audit.yaml: no such file*"])
