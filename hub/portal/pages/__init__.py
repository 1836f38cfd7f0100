"""The pages, group by group. A page that is not listed here does not exist."""

from hub.portal.access import Page
from hub.portal.pages import account, alerts, audit, deliveries, extracts, home, nights, people

ALL_PAGES: tuple[Page, ...] = (
    *home.PAGES,
    *deliveries.PAGES,
    *extracts.PAGES,
    *nights.PAGES,
    *alerts.PAGES,
    *people.PAGES,
    *audit.PAGES,
    *account.PAGES,
)
