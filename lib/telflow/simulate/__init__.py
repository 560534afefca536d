"""Months of synthetic flow telemetry with a known truth, written as a router's collector would write it.

Nothing here is about real people or a real network; whatever it writes is synthetic and says so.

What is planted, and where it is told:

| planted | where | told in |
| --- | --- | --- |
| six segments: mix of activities, volume, hours, weekends, active days | ``catalogue`` | truth_customers |
| rhythm of a real network's week in local time, bent by each segment | ``rhythm`` | |
| trend of each category per customer, log units a week | ``customers`` | truth_customer_categories |
| plans that fit, are outgrown, too small, too large; passing bumps | ``customers`` | truth_customers |
| falling use and complaints, and the weekly churn hazard they make | ``customers`` | truth_customer_weeks |
| addresses that move and are re-used; stale, open, missing leases | ``leases`` | truth_leases |
| services on ports that are registered for something else | ``catalogue`` | truth_services |
| outside scanners, the network's own tunnels, transit | ``noise`` | |

A customer is a pure function of (seed, number of the customer), a flow file one of (seed, day, shard), so neither the
number of cores nor the order of the work changes a byte.
"""
