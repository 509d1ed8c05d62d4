from studies.records import environment


def test_doctor_says_that_everything_is_there(command):
    done = command("doctor")
    assert (done.code, done.err) == (0, "")
    assert "everything needed is installed" in done.out
    rows = dict(line.split() for line in done.out.splitlines() if len(line.split()) == 2)
    for package in ("torch", "ray", "pandas", "matplotlib"):
        assert rows[package] == environment.installed(package)


def test_doctor_names_what_is_missing(command, monkeypatch):
    there = environment.installed
    monkeypatch.setattr(environment, "installed", lambda package: None if package == "scipy" else there(package))
    done = command("doctor")
    assert done.code == 1
    assert "missing: scipy" in done.out
