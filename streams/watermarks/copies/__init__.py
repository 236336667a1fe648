"""Marked copies: streams of ours that are another stream with marks in its picture, made by a compositor each."""
