"""The fan-out side by side with others: `deploy/test --bench fanout`. README.md says what is counted."""
