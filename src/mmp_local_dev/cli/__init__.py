"""The command line: parse, call one operation, render, return an exit code."""
