"""The pages in the order of the navigation."""

from telflow.dashboard.pages import (
    categories,
    churn,
    customers,
    overview,
    peaks,
    reclassification,
    recommendations,
    segments,
)

PAGES = (
    overview.PAGE,
    categories.PAGE,
    reclassification.PAGE,
    peaks.PAGE,
    customers.PAGE,
    segments.PAGE,
    churn.PAGE,
    recommendations.PAGE,
)
