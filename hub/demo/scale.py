"""A county of any size for benchmarks: cooperatives as columns, made with numpy, up to some millions. The mess of each feed is
in `scale_feeds`. Draws come from raw bits of a generator whose stream is fixed for good, so equal seeds give equal
tables with any version of numpy.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hub.demo import names
from hub.demo.build import CONDITIONS
from hub.demo.scale_codes import credit_codes
from hub.deployment import County
from hub.errors import ConfigurationError

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]

# Characters brands are made of. A small county uses the first ones only, so that near namesakes are as common there.
BRAND_CHARACTERS = (
    "丰兴绿金源民农富盛旺达园康利福永鑫和禾山水云茶果田谷春秋东南西北青红华明德顺发隆昌茂瑞祥益惠汇聚众同心万家佳大地天地阳光星辰"
    "海江河湖溪泉流清翠岭峰岩石林竹松柏梅兰菊莲桃李杏梨橘柚橙桂樟榆杨柳枫桐椿槐桑麻棉稻麦粟穗苗芽叶花香甜鲜美味真诚信义仁礼智勇力"
    "强健安宁平泰吉庆喜乐欢笑美好优良品质精致特色珍宝玉珠银铜铁钢龙凤鹤鹿麒麟鹰雁燕鹊鸡鸭鹅羊牛马骏驰腾飞翔跃进步升高远广阔宏伟壮志"
    "雄杰英豪俊秀文武成立创新开拓拓展业务勤劳耕耘播种收获硕丽景色彩虹霞霜雪雨露雾霁晴朗皓月夜晨曦晖暖夏冬年华岁月长久恒远方圆中正直"
    "上下前后左右内外村乡镇里坊庄屯堡寨坪坝坑坞岙垄畈洋塘潭渡桥门楼亭台阁院馆场圃苑囿原野川泽沃润滋沐沁润泊港湾岛屿洲汀浦滨岸堤渠"
    "三四五六七八九十百千亿双联合作社团结友谊互助帮扶共享荣誉尚尊敬亲善慈恩惠泽被广施济世利贞元亨顶尖首领先锋导航领秀冠绝伦比翼连理"
)
PLACE_FIRST = "上下大小前后东西南北里外新老高长石白黄青红双龙凤金银松竹梅桃李杨柳樟枫茶桑荷菱虎马牛羊鹤燕雁云月星天"
PLACE_SECOND = "坪岭溪坑坞岙洋湖潭塘桥渡口头尾湾源畈垟峰岩泉沙洲屿浦堰坝寺店"
STRANGER_SHARE = 60  # one organisation that is no cooperative to so many cooperatives


class Draws:
    """Random columns from raw bits (numpy promises the bit stream of PCG64, not the distributions built on it)."""

    def __init__(self, seed: int, what: str) -> None:
        self._bits = np.random.PCG64([seed & (2**63 - 1), *what.encode()])

    def below(self, limit: int, size: int) -> Ints:
        """Whole numbers from 0 up to, without, `limit`."""
        drawn: Ints = (self._bits.random_raw(size) % np.uint64(limit)).astype(np.int64)
        return drawn

    def share(self, size: int) -> NDArray[np.float64]:
        """Numbers from 0 up to, without, 1."""
        return (self._bits.random_raw(size) >> np.uint64(11)).astype(np.float64) * 2.0**-53

    def weighted(self, weights: Sequence[float], size: int) -> Ints:
        """Positions in `weights`, each as often as it weighs."""
        edges = np.cumsum(np.asarray(weights, dtype=np.float64)) / sum(weights)
        return np.searchsorted(edges, self.share(size), side="right").clip(0, len(weights) - 1).astype(np.int64)

    def quarters(self, size: int) -> list[NDArray[np.int32]]:
        """Four columns of 0 to 65,535 from one draw."""
        raw = self._bits.random_raw(size)
        return [((raw >> np.uint64(16 * i)) & np.uint64(0xFFFF)).astype(np.int32) for i in range(4)]


@dataclass(frozen=True, slots=True)
class ScaleResult:
    """What was written: rows by feed, and the files for the matching benchmark."""

    rows: dict[str, int]
    folder: Path

    @property
    def total(self) -> int:
        return sum(self.rows.values())


def generate_scale(
    out: Path,
    *,
    cooperatives: int,
    county: County,
    seed: int,
    form: str = "parquet",
    progress: Callable[[str, int, int], None] | None = None,
) -> ScaleResult:
    """Writes a large county: `inbox/<feed>/<feed>.<form>` with the feeds' Chinese headers, `truth.<form>` and
    `entities.<form>`, `rows.parquet` (all rows flat, for the matching benchmark) and `county.yaml` (its towns).

    Rows are numbered as in a CSV file: the header is row 1. Same arguments, same tables.

    Args:
        out: folder, made if missing.
        cooperatives: from 100 to 10 million.
        county: its name, code and first towns.
        seed: of all draws.
        form: "parquet" or "csv".
        progress: told (feed, done, all) after each feed.

    Raises:
        ConfigurationError: a number or a form outside these.
    """
    from hub.demo.scale_write import write_feeds

    if not 100 <= cooperatives <= 10_000_000 or form not in ("parquet", "csv"):
        raise ConfigurationError(
            "压力测试数据的合作社数须在 100 到 10,000,000 之间，格式须为 parquet 或 csv。",
            next_step="检查 --cooperatives 和 --format。",
        )
    out.mkdir(parents=True, exist_ok=True)
    towns = town_names(county, max(len(county.towns), min(2000, cooperatives // 50)))
    _write_county(out, county, towns)
    table = cooperative_table(county, towns, cooperatives, seed)
    rows = write_feeds(out, table, county=county, seed=seed, form=form, progress=progress)
    return ScaleResult(rows, out)


def town_names(county: County, count: int) -> list[str]:
    """The county's towns, then invented ones."""
    found = [t.name for t in county.towns][:count]
    seen = set(found)
    for ending in ("镇", "乡"):
        for second in PLACE_SECOND:
            for first in PLACE_FIRST:
                if len(found) >= count:
                    return found
                name = first + second + ending
                if name not in seen:
                    seen.add(name)
                    found.append(name)
    return found


def _write_county(out: Path, county: County, towns: list[str]) -> None:
    import yaml

    known = {t.name: t for t in county.towns}
    data = county.model_dump(mode="json", exclude={"towns"}, exclude_defaults=True)
    data["towns"] = [
        known[t].model_dump(mode="json", exclude_defaults=True) if t in known else {"name": t} for t in towns
    ]
    (out / "county.yaml").write_text(yaml.safe_dump(data, allow_unicode=True, sort_keys=False), encoding="utf-8")


def cooperative_table(county: County, towns: list[str], count: int, seed: int) -> pa.Table:
    """Cooperatives and, after them, strangers, a row each; `number` from 0, `kind` coop, collective, supply or farm.
    Name parts stand in columns of their own: region, brand, trade, suffix."""
    import pyarrow as pa

    draws = Draws(seed, "scale/cooperatives")
    characters = list(dict.fromkeys(BRAND_CHARACTERS))
    trade = draws.weighted([float(t.weight) for t in names.TRADES], count)
    brand = _brands(draws, characters, trade, count)
    slip = _slips(characters, brand, trade)
    condition = draws.weighted([float(w) for _, w in CONDITIONS], count)
    day = 13_758 + (draws.share(count) * 5_570).astype(np.int64)  # 2007-09-01 and on
    young = condition == len(CONDITIONS) - 1
    day[young] = 20_089 + (draws.share(int(young.sum())) * 630).astype(np.int64)
    ended = np.where(condition == 4, np.maximum(day + 400, 18_628) + (draws.share(count) * 700).astype(np.int64), -1)
    modern = day >= 16_709
    regions = [county.name, county.name[:-1], f"{county.city}{county.name}", ""]
    table = pa.table(
        {
            "number": np.arange(count),
            "kind": pa.array(["coop"]).take(pa.array(np.zeros(count, dtype=np.int32))),
            "uscc": credit_codes("93", county.code, np.arange(count), modern),
            "region": _picked(regions, draws.weighted([82, 13, 2, 3], count)),
            "brand": _joined(characters, brand),
            "slip": _joined(characters, slip, none=(slip == brand).all(axis=1)),
            "trade": _picked([t.name for t in names.TRADES], trade),
            "product": _picked([(t.products or ("农产品",))[0] for t in names.TRADES], trade),
            "sector": _picked([t.sector for t in names.TRADES], trade),
            "suffix": _picked([w for w, _ in names.SUFFIXES], draws.weighted([n for _, n in names.SUFFIXES], count)),
            **_common(draws, towns, count, 0),
            "founded": pa.array(day.astype(np.int32)).cast(pa.date32()),
            "ended": pa.array(ended.astype(np.int32), mask=ended < 0).cast(pa.date32()),
            "condition": condition.astype(np.int8),
            "modern": modern,
        }
    )
    return pa.concat_tables([table, _strangers(county, towns, count, seed, table.schema)])


def _common(draws: Draws, towns: list[str], count: int, first: int) -> dict[str, Any]:
    """Where it is and who answers for it."""
    import pyarrow as pa

    villages = [a + b for a in PLACE_FIRST for b in PLACE_SECOND]
    surname, given, second = (
        draws.below(len(s), count) for s in (names.SURNAMES, names.GIVEN_FIRST, names.GIVEN_SECOND)
    )
    given = np.where(draws.share(count) < 0.8, given, -1)
    alphabets = (names.SURNAMES, names.GIVEN_FIRST, names.GIVEN_SECOND)
    people = np.stack([surname, given, second], axis=1)
    kept = draws.share(count) >= 0.06  # the others had another chair before
    number = np.arange(first, first + count)
    block = 10**7 if first + count < 10**7 else 10**8
    return {
        "town": _picked(towns, draws.below(len(towns), count)),
        "village": _picked(villages, draws.below(len(villages), count)),
        "representative": _joined(alphabets, people),
        "former_representative": _joined(alphabets, np.roll(people, 1, axis=0), none=kept),
        "phone": pa.array(19_900_000_000 + (number * 7919 + 4321) % block).cast(pa.string()),
        "house": draws.below(240, count) + 1,
    }


def _strangers(county: County, towns: list[str], cooperatives: int, seed: int, schema: pa.Schema) -> pa.Table:
    import pyarrow as pa
    import pyarrow.compute as pc

    count = max(3, cooperatives // STRANGER_SHARE)
    draws = Draws(seed, "scale/strangers")
    number = np.arange(cooperatives, cooperatives + count)
    third = number % 3
    modern = np.ones(count, dtype=bool)
    codes = [credit_codes(kind, county.code, number, modern) for kind in ("N2", "91", "92")]
    common = _common(draws, towns, count, cooperatives)
    place = pc.binary_join_element_wise(common["town"], common["village"], "村", "")

    def each(*choices: pa.Array | str) -> pa.Array:
        return pc.choose(pa.array(third), *choices)

    nothing = pa.scalar("", pa.string())
    table = pa.table(
        {
            "number": number,
            "kind": each("collective", "supply", "farm"),
            "uscc": each(*codes),
            "region": pa.array([county.name] * count),
            "brand": each(place, common["town"], place),
            "slip": pa.nulls(count, pa.string()),
            **{name: pa.array([nothing.as_py()] * count) for name in ("trade", "product", "sector")},
            "suffix": each("股份经济合作社", "供销合作社有限公司", "家庭农场"),
            **common,
            "founded": pa.array(np.full(count, 17_000, dtype=np.int32)).cast(pa.date32()),
            "ended": pa.nulls(count, pa.date32()),
            "condition": np.ones(count, dtype=np.int8),
            "modern": modern,
        }
    )
    return table.select(schema.names).cast(schema)


def _brands(draws: Draws, characters: list[str], trade: Ints, count: int) -> Ints:
    """Brands as rows of four positions in `characters` (-1: none). Most have two characters of a set just large enough,
    so that near namesakes abound; no two cooperatives of one trade share a brand."""
    few = int(np.clip(max(count / 120, (count / 6) ** 0.5), 12, len(characters)))
    room = few * few * len(names.TRADES)
    short_share = min(0.6, 0.12 * room / count)
    length = np.where(draws.share(count) < short_share, 2, 3 + draws.below(2, count))
    brand = np.full((count, 4), -1, dtype=np.int64)
    open_rows = np.arange(count)
    for attempt in range(60):
        size = len(open_rows)
        if attempt > 6:
            length[open_rows] = np.minimum(4, length[open_rows] + (draws.below(2, size)))
        for place in range(4):
            limit = np.where(length[open_rows] == 2, few, len(characters))
            drawn = draws.below(1 << 40, size) % limit
            brand[open_rows, place] = np.where(length[open_rows] > place, drawn, -1)
        key = _brand_key(brand, trade, len(characters))
        order = np.argsort(key, kind="stable")
        again = np.zeros(count, dtype=bool)
        again[order[1:]] = key[order[1:]] == key[order[:-1]]
        open_rows = np.flatnonzero(again)
        if not len(open_rows):
            return brand
    raise ConfigurationError("品牌用字不够这么多合作社。", next_step="减少 --cooperatives。")


def _brand_key(brand: Ints, trade: Ints, characters: int) -> Ints:
    key: Ints = trade.astype(np.int64)
    for place in range(4):
        key = key * (characters + 1) + brand[:, place] + 1
    return key


def _slips(characters: list[str], brand: Ints, trade: Ints) -> Ints:
    """Each brand with its first mistakable character mistyped, unless that makes it another cooperative's."""
    position = {c: i for i, c in enumerate(characters)}
    other = np.arange(len(characters) + 1)
    for right, wrong in names.HOMOPHONES.items():
        if right in position and wrong in position:
            other[position[right]] = position[wrong]
    slip, done = brand.copy(), np.zeros(len(brand), dtype=bool)
    for place in range(4):
        here = ~done & (brand[:, place] >= 0) & (other[brand[:, place]] != brand[:, place])
        slip[here, place] = other[brand[here, place]]
        done |= here
    taken = np.isin(_brand_key(slip, trade, len(characters)), _brand_key(brand, trade, len(characters)))
    slip[taken] = brand[taken]
    return slip


def _picked(words: Sequence[str], at: Ints) -> pa.Array:
    """Words by position."""
    import pyarrow as pa

    return pa.array(list(words), pa.string()).take(pa.array(at.astype(np.int32)))


def _joined(alphabets: Sequence[str], positions: Ints, none: NDArray[np.bool_] | None = None) -> pa.Array:
    """Rows of positions as text; -1 adds nothing. One alphabet for all columns (a list of characters), or one each
    (strings)."""
    import pyarrow as pa
    import pyarrow.compute as pc

    parts = []
    for i in range(positions.shape[1]):
        words = [*(alphabets if len(alphabets) != positions.shape[1] else alphabets[i]), ""]
        parts.append(_picked(words, np.where(positions[:, i] < 0, len(words) - 1, positions[:, i])))
    joined = pc.binary_join_element_wise(*parts, "")
    return pc.if_else(pa.array(none), pa.scalar(None, pa.string()), joined) if none is not None else joined
