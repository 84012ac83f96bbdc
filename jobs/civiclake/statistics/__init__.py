"""Methods of the applications: numpy, pandas or Arrow in, the same out; no Spark, no lake.

One module is one family of methods; each names its source and has a reference test under
``tests/reference/``. ``docs/guides/methods.md`` lists them.
"""
