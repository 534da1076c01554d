"""What the tests of files share: the CF checker has nothing to say of them."""

from pathlib import Path


def assert_keeps_cf(path: Path) -> None:
    """Have the compliance checker read a file, in this process: to start one takes longer."""
    from compliance_checker.runner import CheckSuite, ComplianceChecker

    CheckSuite.load_all_available_checkers()
    report = path.with_suffix(".txt")
    passed, failed = ComplianceChecker.run_checker(
        str(path), ["cf:1.11"], 0, "normal", output_filename=str(report)
    )
    assert passed, report.read_text()
    assert not failed
