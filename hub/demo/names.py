"""Fictional names: of cooperatives, people and streets, made from word lists. No random choice is made here but through the
generator handed in, so that equal seeds give equal names.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

# Brands in families: within one, names stand a character apart or sound alike, and are different cooperatives.
BRAND_FAMILIES: tuple[tuple[str, ...], ...] = (
    ("兴旺", "兴盛", "兴隆", "兴农", "兴达", "兴发"),
    ("绿源", "绿园", "绿缘", "绿原", "绿野", "绿洲"),
    ("鑫源", "鑫园", "欣源", "新源", "鑫缘"),
    ("丰源", "丰园", "丰收", "丰达", "丰泽", "丰盈"),
    ("民富", "民福", "民丰", "明丰", "民兴"),
    ("永兴", "永旺", "永盛", "永丰", "永发"),
    ("金穗", "金禾", "金和", "金叶", "金果", "金丰"),
    ("惠民", "惠农", "惠丰", "汇农", "汇丰"),
    ("山水", "山泉", "山海", "山里", "山野"),
    ("云雾", "云上", "云顶", "云谷", "云溪", "云海"),
    ("翠竹", "翠峰", "翠岭", "翠谷", "翠云"),
    ("富农", "福农", "富民", "富康", "富源"),
    ("利民", "利农", "力农", "利丰", "利源"),
    ("康源", "康农", "康园", "康丰", "康盛"),
    ("天禾", "天和", "田禾", "天润", "天成"),
    ("长青", "常青", "长清", "长丰", "长兴"),
    ("同心", "同兴", "同富", "同创", "同丰"),
    ("万家", "万佳", "万嘉", "万丰", "万顺"),
    ("东升", "东盛", "东方", "东篱", "东旭"),
    ("红星", "红兴", "红旗", "红日", "红火"),
    ("春晖", "春辉", "春光", "春雨", "春耕"),
    ("大地", "大山", "大丰", "大同", "大田"),
    ("佳禾", "佳和", "佳园", "佳源", "嘉禾"),
    ("顺发", "顺丰源", "顺达", "顺兴", "顺心"),
    ("阳光", "阳春", "向阳", "朝阳", "正阳"),
    ("仙草", "仙谷", "仙云", "仙岭", "仙源"),
    ("百果", "百草", "百丰", "百川", "百源"),
    ("宏达", "宏大", "鸿达", "宏盛", "鸿盛"),
    ("清泉", "清源", "青源", "清风", "清水湾"),
    ("乡情", "乡里", "乡韵", "乡土", "乡间"),
    ("华丰", "华农", "华盛", "华茂", "华兴"),
    ("瑞丰", "瑞农", "瑞祥", "瑞禾", "睿丰"),
    ("聚丰", "聚农", "聚源", "聚鑫", "聚福"),
    ("众兴", "众鑫", "众富", "众望", "众合"),
    ("德丰", "德农", "德旺", "德盛", "得旺"),
    ("老山岙", "高山顶", "三姐妹", "老把式", "好日子", "五谷香", "满山红", "山那边", "半山居", "石头屋"),
    ("阿土", "阿明", "老林家", "王大妈", "兄弟", "新农人", "牧童", "渔家乐", "稻花香", "野猫尖"),
)

# Characters one slip of the input method apart. Only these are mistyped.
HOMOPHONES: dict[str, str] = {
    "旺": "望", "丰": "峰", "峰": "锋", "鑫": "欣", "欣": "新", "源": "园", "园": "源", "缘": "源", "富": "福", "福": "富",
    "盛": "胜", "隆": "龙", "民": "明", "明": "民", "利": "力", "力": "利", "惠": "慧", "汇": "惠", "兴": "星", "佳": "家",
    "家": "佳", "嘉": "佳", "禾": "和", "和": "禾", "青": "清", "清": "青", "农": "浓", "晖": "辉", "辉": "晖", "宏": "鸿",
    "鸿": "宏", "瑞": "睿", "德": "得", "云": "芸", "茂": "懋", "春": "椿", "岭": "领", "溪": "西",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Trade:
    """What a cooperative does: the word in its name, words a clerk may write instead, and what it sells."""

    name: str
    variants: tuple[str, ...]
    products: tuple[str, ...]
    weight: int
    sector: str  # plants, animals, fish, forest, services, water


TRADES: tuple[Trade, ...] = (
    Trade("茶叶", ("茶叶种植", "茶业"), ("绿茶", "红茶", "白茶"), 16, "plants"),
    Trade("蔬菜", ("蔬菜种植",), ("西兰花", "番茄", "白菜", "芹菜"), 14, "plants"),
    Trade("水果", ("水果种植", "果业"), ("葡萄", "柑橘", "梨"), 12, "plants"),
    Trade("果蔬", ("果蔬种植",), ("番茄", "黄瓜", "草莓"), 13, "plants"),
    Trade("杨梅", ("杨梅种植",), ("杨梅",), 7, "plants"),
    Trade("葡萄", ("葡萄种植",), ("葡萄",), 4, "plants"),
    Trade("柑橘", ("柑桔",), ("柑橘", "文旦"), 5, "plants"),
    Trade("猕猴桃", ("猕猴桃种植",), ("猕猴桃",), 3, "plants"),
    Trade("水稻", ("水稻种植",), ("水稻", "大米"), 10, "plants"),
    Trade("粮食", ("粮油",), ("水稻", "小麦"), 6, "plants"),
    Trade("食用菌", ("食用菌种植",), ("香菇", "黑木耳"), 7, "plants"),
    Trade("中药材", ("中药材种植", "药材"), ("三叶青", "浙贝母", "铁皮石斛"), 6, "plants"),
    Trade("花卉", ("花木",), ("兰花", "红掌"), 3, "plants"),
    Trade("油茶", ("油茶种植",), ("山茶油",), 6, "forest"),
    Trade("毛竹", ("竹业",), ("毛竹", "竹笋"), 5, "forest"),
    Trade("竹笋", ("笋竹",), ("冬笋", "春笋"), 3, "forest"),
    Trade("苗木", ("苗木种植",), ("香樟苗", "红枫苗"), 6, "forest"),
    Trade("林业", ("林木",), ("杉木",), 2, "forest"),
    Trade("生猪", ("生猪养殖",), ("生猪",), 7, "animals"),
    Trade("家禽", ("家禽养殖", "禽业"), ("土鸡", "鸡蛋", "麻鸭"), 6, "animals"),
    Trade("山羊", ("山羊养殖",), ("山羊",), 3, "animals"),
    Trade("畜禽", ("畜禽养殖", "禽畜"), ("土鸡", "生猪"), 8, "animals"),
    Trade("蜜蜂", ("蜂业", "养蜂"), ("蜂蜜",), 4, "animals"),
    Trade("水产养殖", ("水产",), ("草鱼", "鲫鱼", "青虾"), 6, "fish"),
    Trade("石蛙", ("石蛙养殖",), ("石蛙",), 2, "fish"),
    Trade("农机", ("农业机械", "农机服务"), (), 5, "services"),
    Trade("植保", ("植保服务",), (), 3, "services"),
    Trade("用水", ("灌溉用水",), (), 4, "water"),
)

SUFFIXES: tuple[tuple[str, int], ...] = (
    ("专业合作社", 79),
    ("农民专业合作社", 19),
    ("专业合作社联合社", 1),
    ("股份合作社", 1),
)

SURNAMES = "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林高罗郑梁谢宋唐许韩冯邓曹彭曾肖田董袁潘于蒋蔡余杜叶程苏魏吕丁任沈姚卢姜崔钟谭陆汪范金石廖贾夏韦付方白邹孟熊秦邱江尹薛闫段雷侯龙史陶黎贺顾毛郝龚邵万钱严覃武戴莫孔向汤"
GIVEN_FIRST = "建国志文明德永春秀玉桂金银福贵长茂庆祥宗家光景仁义世正大小雪月彩云水木根土生成立新方立亚培克启"
GIVEN_SECOND = (
    "华强军平勇杰涛斌伟峰林松柏清泉江河海山岩川荣昌兴旺财富康宁安顺英芳兰梅菊莲珍珠翠凤霞琴娟敏燕红娥花妹苗禾穗稻粟麦"
)
STREETS = ("云岫大道", "环城东路", "南塘街", "人民路", "文昌路", "溪滨路", "望岳街", "学前巷")


def person_name(random: Random) -> str:
    """An invented person: four in five have two given characters."""
    given = random.choice(GIVEN_SECOND)
    return random.choice(SURNAMES) + (random.choice(GIVEN_FIRST) if random.random() < 0.8 else "") + given


def weighted(random: Random, pairs: tuple[tuple[str, int], ...]) -> str:
    """One of the words, by its weight."""
    return random.choices([w for w, _ in pairs], [n for _, n in pairs])[0]
