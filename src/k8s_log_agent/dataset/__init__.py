"""The golden data set: extract, synthesize, sample, combine, analyse, store."""
