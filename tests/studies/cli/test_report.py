from tests.support.records import design_of, finished


def test_report_writes_the_page_of_a_finished_study_again(command):
    folder = finished(command.results, design_of("dense", seeds=2))
    done = command("report", "quickstart", "--results", str(command.results))
    assert (done.code, done.err) == (0, "")
    assert done.out == f"report: {folder.path / 'report.html'}\n"
    assert {path.name for path in folder.path.iterdir()} == {
        "study.json", "runs", "runs.csv", "summary.csv", "tables", "figures", "report.html"
    }  # fmt: skip


def test_figures_are_drawn_again_in_the_formats_asked_for(command):
    folder = finished(command.results, design_of("dense", seeds=2))
    done = command("figures", "quickstart", "--results", str(command.results), "--format", "svg, pdf")
    assert (done.code, done.err) == (0, "")
    names = ("error_against_macs", "seeds", "learning_curves")
    assert done.out.splitlines() == [
        str(folder.path / "figures" / f"{name}.{extension}") for name in names for extension in ("svg", "pdf")
    ]
    assert {path.name for path in (folder.path / "figures").iterdir()} == {
        f"{name}.{extension}" for name in names for extension in ("csv", "svg", "pdf")
    }
