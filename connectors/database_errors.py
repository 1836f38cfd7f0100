"""What errors of a database mean to the operator. Values and statements never get into messages or the log."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DataError, DBAPIError, NoSuchModuleError, SQLAlchemyError

from hub.errors import AuthenticationError, ConfigurationError, FormatError, HubError, TransientError

_LOGIN = {"28P01", "28000", "1045", "1044", "1698", "4151", "1017"}
_NO_DATABASE = {"3D000", "1049"}
_NO_RIGHT = {"42501", "1142", "1143"}
_NO_TABLE = {"42P01", "42703", "1146", "1054"}
# A failed login has no code before the session stands, and the server's language is its own.
_LOGIN_WORDS = (
    "password authentication failed",
    "no pg_hba.conf",
    "not permitted to log in",
    "no password supplied",
    'role "',
    "角色",
    "认证失败",
    "login failed",
    "access denied",
)
_NO_DATABASE_WORDS = ("does not exist", "不存在", "unknown database")


def code_of(error: DBAPIError) -> str:
    """The server's own code: the number of MySQL, else the SQLSTATE; empty when there is none."""
    arguments = getattr(error.orig, "args", ())
    if arguments and isinstance(arguments[0], int):
        return str(arguments[0])
    return str(getattr(error.orig, "sqlstate", None) or "")


def explain_database(error: SQLAlchemyError, table: str) -> HubError:
    """The error by what to do next."""
    if not isinstance(error, DBAPIError):
        return ConfigurationError(
            "数据库连接的写法或驱动有误。",
            next_step="核对 docs/connectors.md 里 url 的写法。",
            detail=type(error).__name__,
        )
    code = code_of(error)
    words = str(error.orig).lower()
    detail = f"{type(error.orig).__name__} {code}"
    if code in _LOGIN or (not code and any(w in words for w in _LOGIN_WORDS)):
        return AuthenticationError(
            "数据库拒绝了登录。",
            next_step="向对方核实账号、密码和来访地址的授权；改好后再运行。为防账号被锁，系统不会自动重试登录。",
            detail=detail,
        )
    if code in _NO_RIGHT:
        return ConfigurationError(
            f"数据库账号没有权限读取“{table}”。",
            next_step="请对方授予该账号这张表或视图的 SELECT 权限。",
            detail=detail,
        )
    if code in _NO_TABLE:
        return ConfigurationError(
            f"“{table}”或其中的列已不存在。", next_step="向对方核实表结构是否变更，再改 feeds.yaml。", detail=detail
        )
    if code in _NO_DATABASE or (not code and any(w in words for w in _NO_DATABASE_WORDS)):
        return ConfigurationError("没有这个数据库。", next_step="核对 url 里的库名。", detail=detail)
    if isinstance(error, DataError):
        return FormatError(
            f"“{table}”里有数据库自己也读不出的值。",
            next_step="请对方核对数据，或在 columns 里不取该列。",
            detail=detail,
        )
    if code in {"57014", "3024", "1969", "1317"}:
        return TransientError(
            "查询超过了规定的时间。", next_step="请对方为游标列建索引，或调大 statement_seconds。", detail=detail
        )
    return TransientError("数据库连不上或中途断开。", next_step="检查网络和数据库服务；稍后会再试。", detail=detail)


@contextmanager
def database_errors(table: str) -> Iterator[None]:
    """Turns errors of SQLAlchemy and of missing drivers into `HubError`s."""
    try:
        yield
    except (NoSuchModuleError, ModuleNotFoundError) as error:
        raise ConfigurationError(
            "没有安装这种数据库的驱动。",
            next_step="安装对应的 SQLAlchemy 驱动包（如 Oracle 用 oracledb），或核对 url 开头的写法。",
            detail=type(error).__name__,
        ) from None
    except SQLAlchemyError as error:
        raise explain_database(error, table) from None
