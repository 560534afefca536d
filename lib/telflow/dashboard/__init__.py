"""The dashboard: a Dash application on the Delta tables. Nothing in it starts or imports Spark."""
