"""The verbs of the command line: one file a verb, each adding itself to the application that it is given."""
