from core.errors import unknown


def test_unknown_names_the_nearest_and_all():
    assert str(unknown("dataset", "digit", ["mnist1d", "digits"])) == (
        "unknown dataset 'digit': did you mean 'digits'? (known: mnist1d, digits)"
    )


def test_unknown_suggests_nothing_where_nothing_is_near():
    assert str(unknown("dataset", "zzz", ["mnist1d", "digits"])) == "unknown dataset 'zzz': (known: mnist1d, digits)"
