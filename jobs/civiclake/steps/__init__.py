"""The steps of a night that need nothing but data: DataFrame in, DataFrame out."""
