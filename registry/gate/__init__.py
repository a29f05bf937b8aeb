"""The gate check: an intended act judged before it is granted, by the very rules that judge what was done."""
