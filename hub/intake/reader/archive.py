"""Zip files with several deliveries in them. Nothing is ever unpacked to disk; names with paths outside are refused."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from zlib import error as zlib_error

from hub.intake.reader.model import refuse

MAX_MEMBERS = 500
MAX_TOTAL = 1 << 30  # bytes once unpacked
MAX_RATIO = 200  # unpacked to packed, above BOMB_FLOOR: an honest table packs up to about 60 : 1
BOMB_FLOOR = 64 << 20
_JUNK = re.compile(r"(^|/)(__MACOSX/|\.DS_Store$|Thumbs\.db$|desktop\.ini$|~\$|\._)", re.IGNORECASE)


def check_bomb(archive: zipfile.ZipFile) -> None:
    """Refuses archives that unpack to far more than any table would.

    Raises:
        FormatError: too many members, too large, or packed beyond reason.
    """
    members = archive.infolist()
    total = sum(m.file_size for m in members)
    packed = max(1, sum(m.compress_size for m in members))
    starts = {m.header_offset for m in members}
    if len(members) > 20_000 or len(starts) < len(members) or (total > BOMB_FLOOR and total / packed > MAX_RATIO):
        raise refuse(
            "压缩内容异常：解开后远大于文件本身，疑似压缩炸弹，已拒收。",
            "请发送方用 Excel 或 WPS 重新保存，确认文件来源可靠。",
            f"{len(members)} members, {total} from {packed} bytes",
        )


def member_name(info: zipfile.ZipInfo) -> str:
    """A member's name as its sender wrote it: Chinese zips store GBK and do not say so."""
    if info.flag_bits & 0x800:
        return info.filename
    try:
        return info.filename.encode("cp437").decode("gb18030")
    except (UnicodeEncodeError, UnicodeDecodeError):
        return info.filename


def members(archive: zipfile.ZipFile) -> Iterator[tuple[str, bytes]]:
    """(name, bytes) of each file in a zip, sorted by name.

    Raises:
        FormatError: a bomb, a path that leads outside, a password, damage.
    """
    check_bomb(archive)
    infos = sorted((member_name(i).replace("\\", "/"), i) for i in archive.infolist() if not i.is_dir())
    infos = [(name, info) for name, info in infos if not _JUNK.search(name)]
    if not infos:
        raise refuse("压缩包是空的。", "请发送方检查后重新报送。")
    if len(infos) > MAX_MEMBERS or sum(i.file_size for _, i in infos) > MAX_TOTAL:
        raise refuse("压缩包里的文件过多或过大。", "请发送方分批报送。")
    for name, _ in infos:
        if name.startswith("/") or re.match(r"^[A-Za-z]:", name) or ".." in name.split("/") or "\x00" in name:
            raise refuse("压缩包里的文件名指向包外路径，可能有害，已拒收。", "请发送方重新压缩后报送。")
    for name, info in infos:
        try:
            yield name, archive.read(info)
        except RuntimeError as error:
            raise refuse("压缩包设有密码，无法读取。", "请发送方取消密码后重新报送。", repr(error)[:100]) from None
        except (zipfile.BadZipFile, zlib_error, EOFError, NotImplementedError) as error:
            raise refuse("压缩包已损坏。", "请发送方重新压缩后报送。", repr(error)[:100]) from None
