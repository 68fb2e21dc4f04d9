"""The models every release holds at least: name -> number of trials."""

FIRST_ZOO = {
    **{
        f"{architecture}-{activation}.synthetic-codes": 3
        for architecture in ("cnn-local", "cnn-dist")
        for activation in ("relu", "exponential")
    },
    **{
        f"{architecture}-{activation}.synthetic-motifs": 1
        for architecture in ("cnn-2", "cnn-50", "cnn-deep")
        for activation in ("relu", "exponential")
    },
}

# The models on real DNA; the data sets other than dhs-4cell are fetched.
REAL_ZOO = {
    **{f"cnn-{pool}-{activation}.dhs-4cell": 1 for pool in (2, 50) for activation in ("relu", "exponential")},
    **{f"cnn-deep-{activation}.dhs-4cell": 3 for activation in ("relu", "exponential")},
    **{
        f"residualbind-{activation}.{dataset}": 3
        for activation in ("relu", "exponential")
        for dataset in ("chip-zbed2", "chip-irf1")
    },
}
