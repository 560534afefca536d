# ---
# jupyter:
#   jupytext:
#     formats: py:percent
# ---

# %% [markdown]
# # Peak times: which capacity is needed, and when?
#
# Busy hours of days and months, and the rates that links have to carry.
# `TELFLOW_SET` holds settings that differ from conf, as words of a shell, such as `lake.root=./lake`.

# %%
# %matplotlib inline
from telflow.analysts.answers import answer, newest, title
from telflow.analysts.plots import bars, heat_map, lines
from telflow.cli import notebook_job

job = notebook_job()
figures = []

# %% [markdown]
# The busiest 60 minutes of each day.

# %%
days = answer(job, "busy_hour_by_day")
days

# %%
figures.append(lines(days, "day", "gigabytes", unit="GB in the busy hour", title=title(job, "busy_hour_by_day")))
figures[-1]

# %% [markdown]
# By category: the mean of the days' own busy hours (ADPH), and the clock hour that is busiest over all days (TCBH). A
# category whose busy hour is not the network's needs no capacity of its own. The picture is of the newest month.

# %%
months = answer(job, "busy_hours_of_month")
months

# %%
month = newest(months, "month")
figures.append(bars(month, "scope", "adph_gigabytes", unit="GB", title=title(job, "busy_hours_of_month")))
figures[-1]

# %% [markdown]
# By region: the 95th percentile of five-minute rates is what a link is usually sized by. The picture is of the newest
# month.

# %%
regions = answer(job, "capacity_by_region")
regions

# %%
figures.append(
    bars(
        newest(regions, "month"),
        "region",
        "p95_mbps",
        unit="Mbit/s, 95th percentile",
        title=title(job, "capacity_by_region"),
    )
)
figures[-1]

# %% [markdown]
# The hours of the week: work on the network belongs elsewhere.

# %%
hours = answer(job, "load_by_hour_of_week")
hours

# %%
figures.append(heat_map(hours, "weekday", "hour", "gigabytes", unit="GB", title=title(job, "load_by_hour_of_week")))
figures[-1]

# %% [markdown]
# Who is on the network at which hour?

# %%
plans = answer(job, "hours_by_plan")
plans

# %%
figures.append(
    lines(plans, "local_hour", "share", unit="part of the plan's volume", title=title(job, "hours_by_plan"), by="plan")
)
figures[-1]
