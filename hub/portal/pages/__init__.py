"""The pages, group by group, in the order of the menu. A page that is not listed here does not exist."""

from hub.portal.access import Page
from hub.portal.pages import (
    account,
    alerts,
    audit,
    catalogue,
    cooperatives,
    corrections,
    deliveries,
    extracts,
    home,
    nights,
    own_list,
    people,
    progress,
    proofs,
    review,
    sharing,
)

ALL_PAGES: tuple[Page, ...] = (
    *home.PAGES,
    *deliveries.PAGES,
    *review.PAGES,
    *corrections.PAGES,
    *cooperatives.PAGES,
    *progress.PAGES,
    *own_list.PAGES,
    *extracts.PAGES,
    *sharing.PAGES,
    *catalogue.PAGES,
    *nights.PAGES,
    *alerts.PAGES,
    *people.PAGES,
    *audit.PAGES,
    *proofs.PAGES,
    *account.PAGES,
)
