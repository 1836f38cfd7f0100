"""Whole invented counties of six styles, as their registry would know them: which cooperatives there are, what they are called and
who is nearly named like whom. Which slips offices make about them is `benchmarks.county_rows`.

How crowded names are follows public registrations: in a county of a thousand cooperatives a third to two thirds have another
whose name differs in one character, three pairs differ by one character more, four sound alike as dialects hear them, one person
in seventy has a second cooperative; two that differ in suffix or region only are rarer than one a county.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from random import Random

from hub.demo.names import BRAND_FAMILIES, person_name
from hub.deployment import County
from hub.identifiers.codes import make_uscc, organisation_check_character
from hub.matching.characters import loose_sound_of, sound_of

# Characters two-character brands are made of; the first dozens are the favourites everywhere.
_LUCKY = (
    "兴旺盛丰源农绿金鑫富民利达发永康惠众天和福云山海华大龙宏顺德祥瑞新东佳春立友文泰信诚合一万三正明光国建军荣昌茂隆强"
    "安宁平聚汇同心联创益嘉美好乐喜满仓禾穗谷稻田土野草青翠竹松柏林森果香甜蜜溪泉河江湖岭峰岩石沙洋港湾洲岛浦圩南北西前"
    "后上下中长高远红黄白紫蓝银玉珠宝星辉日月秋夏冬晨阳雨露雪凤鹏鹤马牛羊振鸿骏凯冠恒毅宇博杰锦盈沃硕耕犁塬峡溢润泽"
)
_FEATURES = "山岭岗坪坑塘溪湾洋岙坝桥头墩坡沟崖潭洞岩尖"
_PLACES = "石龙虎马牛羊狮金银青白黄红黑大小长尖平横竹松桃梨枫樟沙清双三五九南北东西上下前后里外王李陈张林叶何杨吴周"
_TOWN_HEADS = "石青白龙柳沙桃枫杨莲河双黄大南北前后新古"
_TOWN_TAILS = "坪溪岭潭桥堡洲湾沟铺集滩渡泉"
ORDINARY = "专业合作社"  # what a branch is until the head it belongs to is chosen


@dataclass(frozen=True)
class Style:
    """How a county's names are made. Brands are drawn as `families` (lucky words an office sees again and again), `lucky` pairs of
    characters, `places` and `people`; the shares are weights."""

    county: County
    towns: int
    trades: tuple[tuple[str, int], ...]
    suffixes: tuple[tuple[str, int], ...]
    brands: tuple[tuple[str, int], ...]
    place_in_name: float = 0.01  # share of names with the town, or town and village, before the brand
    of_prefecture: float = 0.0  # share of names that bear the prefecture's name and not the county's
    own_name: float = 0.0  # share of people's brands that are the representative's
    several: float = 0.012  # share of cooperatives whose representative has another one
    renamed: float = 0.001
    village: str = "村"
    town_ends: tuple[str, ...] = ("镇", "镇", "镇", "乡", "街道")


def _weights(text: str) -> tuple[tuple[str, int], ...]:
    parts = text.split()
    return tuple((w, int(n)) for w, n in zip(parts[::2], parts[1::2], strict=True))


STYLES: dict[str, Style] = {
    "coast": Style(
        County(name="云岫县", code="339127", city="岚江市"),
        18,
        _weights(
            "海水养殖 16 水产养殖 12 果蔬 17 水果 10 畜禽 8 生猪 7 家禽 5 茶叶 4 水稻 4 杨梅 3 牲畜 3 蔬菜 3 畜牧 3 柑桔 2 油茶 2 农业 2 山羊 1 "
            "苗木 1 蜜蜂 1 葡萄 1 内陆养殖 1 竹笋 1 农业机械 1 水产品 1 紫菜 1 中药材 1 花木 1 枇杷 1 牛蛙养殖 1"
        ),
        _weights("专业合作社 998 专业合作社联合社 2"),
        _weights("families 20 lucky 55 places 18 people 7"),
        of_prefecture=0.004,
    ),
    "plain": Style(
        County(name="临河县", code="379205", city="泰阳市"),
        12,
        _weights(
            "种植 22 养殖 14 种养殖 9 农机 7 农机服务 5 玉米种植 4 蔬菜种植 6 果品 4 粮食种植 5 肉羊养殖 3 生猪养殖 3 蔬菜 4 苗木 3 果蔬 3 "
            "小麦种植 2 农业 3 食用菌 2 家禽养殖 2 土地托管 1 花卉 1 西瓜 1 奶牛养殖 1 植保 1"
        ),
        _weights("农民专业合作社 50 专业合作社 49 专业合作社联合社 1"),
        _weights("families 20 lucky 55 places 15 people 10"),
        0.03,
        0.002,
    ),
    "grassland": Style(
        County(name="平白旗", code="159311", city="南中盟"),
        9,
        _weights(
            "养殖 18 农牧业 12 牧业 10 种养殖 9 肉牛养殖 7 肉羊养殖 6 草业 4 马铃薯种植 4 农机 5 种植 8 奶牛养殖 2 骆驼养殖 1 牧草种植 2 杂粮 2 "
            "农机服务 2 畜牧 3 饲草 1 旅游 1"
        ),
        _weights("农民专业合作社 35 专业合作社 45 农牧民专业合作社 19 专业合作社联合社 1"),
        _weights("families 15 lucky 45 places 25 people 15"),
        0.04,
        0.006,
        village="嘎查",
        town_ends=("苏木", "苏木", "镇", "乡"),
    ),
    "hills": Style(
        County(name="安石区", code="459507", city="武宁市"),
        14,
        _weights(
            "油茶 8 油茶种植 5 茶叶 10 生态种养 5 蜜蜂 3 养蜂 3 中药材种植 5 中药材 4 脐橙 4 毛竹 4 水稻种植 5 烤烟 3 林业 4 苗木 4 生态农业 4 "
            "种养 6 种植 8 养殖 8 果业 5 食用菌 3 竹笋 2 山羊养殖 3 生猪养殖 3 蔬菜 4"
        ),
        _weights("农民专业合作社 40 专业合作社 56 股份合作社 2 专业合作社联合社 1 分社 1"),
        _weights("families 15 lucky 40 places 35 people 10"),
        0.05,
        0.003,
    ),
    "people": Style(
        County(name="青泽县", code="419223", city="汝南市"),
        15,
        _weights(
            "种植 20 养殖 16 种养殖 8 果蔬 8 蔬菜 7 农机 6 家庭种植 1 生猪 5 畜禽 5 苗木 4 水果 5 茶叶 4 肉牛养殖 3 水产养殖 4 粮食 3 农业 3 "
            "食用菌 2 花木 2 农机服务 2 养羊 2"
        ),
        _weights("农民专业合作社 30 专业合作社 69 专业合作社联合社 1"),
        _weights("families 10 lucky 25 places 5 people 60"),
        own_name=0.3,
        several=0.03,
        renamed=0.003,
    ),
    "villages": Style(
        County(name="东峪县", code="619415", city="渭阳市"),
        16,
        _weights(
            "种植 16 养殖 12 苹果 8 果业 8 种养殖 7 核桃 4 花椒 3 中药材 5 蔬菜 6 果蔬 4 养羊 3 养猪 3 农机 4 樱桃 3 葡萄 3 猕猴桃 3 红枣 2 "
            "食用菌 2 苗木 3 土地 1 旅游 1 肉牛养殖 2"
        ),
        _weights("农民专业合作社 25 专业合作社 73 股份合作社 1 专业合作社联合社 1"),
        _weights("families 8 lucky 22 places 60 people 10"),
        0.12,
        0.002,
    ),
}


@dataclass(frozen=True)
class Cooperative:
    """One cooperative as registered. `place` stands before the brand in its name; `former` is a name it had."""

    uscc: str
    region: str
    place: str
    core: str
    suffix: str
    person: str | None
    phone: str
    town: str
    village: str
    street: str = ""
    founded: str = ""
    former: str | None = None

    @property
    def name(self) -> str:
        return f"{self.region}{self.place}{self.core}{self.suffix}"


@dataclass
class World:
    """A county and its cooperatives; `people` are all representatives."""

    style: Style
    members: list[Cooperative]
    people: list[str] = field(default_factory=list)

    @property
    def county(self) -> County:
        return self.style.county


def _pick(random: Random, weighted: Sequence[tuple[str, int]]) -> str:
    return random.choices([w for w, _ in weighted], [n for _, n in weighted])[0]


class _Brands:
    """Draws brands of one style; favourites come up more often."""

    def __init__(self, random: Random, style: Style, villages: Sequence[str]) -> None:
        self.random, self.style, self.villages = random, style, villages
        self.families = [b for family in BRAND_FAMILIES for b in family]
        self.weights = [1 / (8 + i) for i in range(len(_LUCKY))]

    def draw(self) -> tuple[str, str]:
        """(brand, of what kind)."""
        random, kind = self.random, _pick(self.random, self.style.brands)
        if kind == "families":
            return random.choice(self.families), kind
        if kind == "people":
            name = person_name(random)
            return (name if random.random() < 0.7 or len(name) < 3 else name[1:]), kind
        if kind == "places":
            if random.random() < 0.4:
                return random.choice(self.villages).removesuffix(self.style.village), kind
            head = random.choice(_PLACES) + (random.choice(_PLACES) if random.random() < 0.3 else "")
            return head + random.choice(_FEATURES), kind
        first, second = random.choices(_LUCKY, self.weights, k=2)
        third = random.choice(_FEATURES) if random.random() < 0.08 else ""
        return first + second + third, kind


def make_world(style_name: str, seed: int, cooperatives: int, crowd: float = 1.0) -> World:
    """A county of a style. `crowd` multiplies how many are nearly named like another, renamed, or share a representative."""
    style, random = STYLES[style_name], Random(f"{style_name}/{seed}")
    towns = _towns(random, style)
    villages = {t: [_village(random, style) for _ in range(15)] for t in towns}
    every_village = [v for found in villages.values() for v in found]
    weight_of_town = [1 / (2 + i) for i in range(len(towns))]
    brands = _Brands(random, style, every_village)
    members: list[Cooperative] = []
    sounds: set[str] = set()
    loose: set[str] = set()
    people: list[str] = []
    while len(members) < cooperatives:
        town = random.choices(towns, weight_of_town)[0]
        village = random.choice(villages[town])
        person = (
            random.choice(people) if people and random.random() < style.several * crowd / 2 else person_name(random)
        )
        brand, kind = brands.draw()
        if kind == "people" and random.random() < style.own_name:
            brand = person
        core = brand + _pick(random, style.trades)
        # A registry gives no name twice, nor one that sounds the same; what dialects mix up slips through.
        if sound_of(core) in sounds or len(set(brand)) < 2:
            continue
        if loose_sound_of(core) in loose and random.random() > 0.3 * crowd:
            continue
        sounds.add(sound_of(core))
        loose.add(loose_sound_of(core))
        people.append(person)
        suffix = _pick(random, style.suffixes)
        region, place = _region(random, style), ""
        if random.random() < style.place_in_name:
            place = town if random.random() < 0.6 else town + village
        first8 = f"{random.randrange(10**8):08d}"
        if random.random() < 0.06:
            first8 = "MA" + "".join(random.choice("0123456789ABCDEFGHJKLMNPQRTUWXY") for _ in range(6))
        members.append(
            Cooperative(
                make_uscc(style.county.code, first8 + organisation_check_character(first8)),
                region,
                place,
                core,
                suffix if suffix != "分社" else ORDINARY,
                person if random.random() > 0.113 else None,
                f"1{random.choice('3578')}{random.randrange(10**9):09d}",
                town,
                village,
                f"{random.choice('广人光文南北')}{random.choice('场民明昌塘浦')}路{random.randrange(1, 300)}号",
                f"{random.randrange(2008, 2025)}-{random.randrange(1, 13):02d}-{random.randrange(1, 29):02d}",
            )
        )
    _make_near(random, style, members, crowd)
    return World(style, members, people)


def _towns(random: Random, style: Style) -> list[str]:
    found: dict[str, None] = {}
    while len(found) < style.towns:
        head, tail = random.choice(_TOWN_HEADS), random.choice(_TOWN_TAILS)
        if not any(t.startswith(head + tail) for t in found):
            found[head + tail + random.choice(style.town_ends)] = None
    return list(found)


def _village(random: Random, style: Style) -> str:
    return random.choice(_PLACES) + random.choice(_FEATURES + "庄家店营寨") + style.village


def _region(random: Random, style: Style) -> str:
    county, draw = style.county, random.random()
    if draw < style.of_prefecture:
        return county.city
    if draw < style.of_prefecture + 0.072:
        return county.name[:-1]
    if draw < style.of_prefecture + 0.077:
        return county.name + county.city if draw * 1e6 % 2 < 1 else county.city + county.name
    return county.name


def _make_near(random: Random, style: Style, members: list[Cooperative], crowd: float) -> None:
    """Makes some cooperatives near ones of others: of one name but for suffix or region, a union or branch of it, named with one
    character more or less, another of that person's in the same town, or renamed."""

    def some(share: float) -> list[int]:
        count = share * len(members)
        return random.sample(range(len(members)), int(count) + (random.random() < count % 1))

    ordinary = {i for i, c in enumerate(members) if c.suffix.endswith("专业合作社")}
    suffixes = {s for s, _ in style.suffixes}
    county = style.county
    for i in some(0.00025 * crowd):
        first = members[random.choice(sorted(ordinary - {i}))]
        other = "农民专业合作社" if first.suffix == "专业合作社" else "专业合作社"
        apart = {"suffix": other} if random.random() < 0.6 else {"region": county.city}
        members[i] = replace(
            members[i], **({"region": first.region, "place": "", "core": first.core, "suffix": first.suffix} | apart)
        )
    if "分社" in suffixes:
        for i in some(0.0015 * crowd):
            head = members[random.choice(sorted(ordinary - {i}))]
            branch = f"{head.suffix}{members[i].village.removesuffix(style.village)}分社"
            members[i] = replace(members[i], region=head.region, place="", core=head.core, suffix=branch)
    for i in some(0.0025 * crowd):
        first = members[random.choice(sorted(ordinary - {i}))]
        if len(first.core) >= 4:
            longer = first.core[:1] + random.choice(_FEATURES + "之大新") + first.core[1:]
            members[i] = replace(members[i], core=longer)
    for i in some(0.002 * crowd):
        first = members[random.choice(sorted(ordinary - {i}))]
        members[i] = replace(members[i], person=first.person, town=first.town, village=first.village)
    for i in some(style.renamed * crowd):
        c = members[i]
        brand = "".join(random.sample(_LUCKY, 2))
        members[i] = replace(c, former=f"{c.region}{brand}{_pick(random, style.trades)}{c.suffix}")
