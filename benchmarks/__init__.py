"""What the stack costs against the plain alternative: `python -m benchmarks` measures it and writes RESULTS.md."""
