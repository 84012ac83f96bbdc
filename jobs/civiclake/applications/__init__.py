"""What the lake answers: DataFrames to DataFrames, one package an application.

Each mart's contract (``marts/<application>/<mart>/mart.yaml``) names its function here. Functions
build lazily, and read and write nothing; what is more than joins and windows is a method of
:mod:`civiclake.statistics`.
"""
