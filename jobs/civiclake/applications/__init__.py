"""What the city asks of its lake: functions of DataFrames to DataFrames, named by marts.

A step is ``build(inputs, parameters)``: frames by the ids of the mart's inputs, and the contract's
parameters. It reads nothing else, writes nothing, and leaves the work to whoever takes the frame.
"""
