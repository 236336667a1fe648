"""REST beside a plain Django REST framework view under the fastest server for it: `deploy/test --bench rest`."""
