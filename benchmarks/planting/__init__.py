"""Models and data sets with one known defect each, made from sound ones: what an audit ought to catch."""
