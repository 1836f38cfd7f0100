"""What a feed is (`model`) and which feeds there are (`catalogue`)."""

from hub.feeds.catalogue import feed_catalogue, get_feed
from hub.feeds.model import Bilingual, Choice, Coverage, Feed, FeedField, Kind, Privacy, Role

__all__ = [
    "Bilingual",
    "Choice",
    "Coverage",
    "Feed",
    "FeedField",
    "Kind",
    "Privacy",
    "Role",
    "feed_catalogue",
    "get_feed",
]
