"""An archive is judged before anything of it is unpacked, and every fault has its name."""

from __future__ import annotations

import io
import stat
import struct
import warnings
import zipfile
from pathlib import Path

import pytest

from geo_engine.errors import SourceError
from geo_engine.sources.archives import ArchiveCaps, open_archive
from geo_engine.sources.shapefiles import SHAPEFILE_MEMBERS, check_shapefile, take_shapefiles
from tests.sources.official import pack

CAPS = ArchiveCaps(unpacked_bytes=50_000_000, member_bytes=40_000_000)
LAYERS = {"municipalities": ["com"], "regions": ["reg"]}
GOOD = {
    f"Limiti/{layer}/{layer}_WGS84.{suffix}": f"{layer} {suffix}".encode() * 100
    for layer in ("Com01012023_g", "Reg01012023_g", "RipGeo01012023_g")
    for suffix in SHAPEFILE_MEMBERS
}


def written(folder: Path, content: bytes) -> Path:
    path = folder / "Limiti01012023_g.zip"
    path.write_bytes(content)
    return path


def take(folder: Path, content: bytes, caps: ArchiveCaps = CAPS) -> dict[str, bytes]:
    target = folder / "out"
    target.mkdir()
    try:
        take_shapefiles(written(folder, content), LAYERS, target, caps)
    except SourceError:
        assert not any(target.iterdir())  # nothing is unpacked of an archive that is refused
        raise
    return {path.name: path.read_bytes() for path in target.iterdir()}


def refusal(folder: Path, content: bytes, caps: ArchiveCaps = CAPS) -> SourceError:
    with pytest.raises(SourceError) as refused:
        take(folder, content, caps)
    return refused.value


def with_member(member: zipfile.ZipInfo, content: bytes = b"x") -> bytes:
    out = io.BytesIO(pack(GOOD))
    with zipfile.ZipFile(out, "a") as archive:
        archive.writestr(member, content)
    return out.getvalue()


def test_complete_layers_are_unpacked_under_names_of_ours(tmp_path) -> None:
    found = take(tmp_path, pack(GOOD))
    assert set(found) == {f"{layer}.{s}" for layer in LAYERS for s in SHAPEFILE_MEMBERS}
    assert found["regions.dbf"] == GOOD["Limiti/Reg01012023_g/Reg01012023_g_WGS84.dbf"]


def test_names_in_capitals_are_the_same_members(tmp_path) -> None:
    found = take(tmp_path, pack({name.upper(): content for name, content in GOOD.items()}))
    assert len(found) == len(LAYERS) * len(SHAPEFILE_MEMBERS)


@pytest.mark.parametrize("suffix", SHAPEFILE_MEMBERS)
@pytest.mark.parametrize("layer", ["Com", "Reg"])
def test_each_member_that_lacks_is_named(suffix, layer, tmp_path) -> None:
    name = f"Limiti/{layer}01012023_g/{layer}01012023_g_WGS84.{suffix}"
    error = refusal(tmp_path, pack({k: v for k, v in GOOD.items() if k != name}))
    assert error.code == "SHAPEFILE_INCOMPLETE"
    assert name in error.message


def test_a_layer_that_is_not_needed_may_lack_members(tmp_path) -> None:
    less = {k: v for k, v in GOOD.items() if "RipGeo" not in k or k.endswith("shp")}
    assert len(less) < len(GOOD)
    (tmp_path / "whole").mkdir()
    assert take(tmp_path, pack(less)) == take(tmp_path / "whole", pack(GOOD))


def test_a_whole_layer_that_lacks_is_named(tmp_path) -> None:
    error = refusal(tmp_path, pack({k: v for k, v in GOOD.items() if "Com" not in k}))
    assert error.code == "SHAPEFILE_INCOMPLETE"
    assert "municipalities" in error.message
    (tmp_path / "out").rmdir()
    assert refusal(tmp_path, pack({})).code == "SHAPEFILE_INCOMPLETE"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"<!DOCTYPE html><title>404 Not Found</title>", "web page"),
        (b"\n <html><body>Pagina non trovata", "web page"),
        (b"<?xml version='1.0'?><Error/>", "web page"),
        (b"", "empty"),
        (b"Rar!\x1a\x07\x00", "another kind"),
    ],
)
def test_what_is_no_archive_is_called_so(content, words, tmp_path) -> None:
    error = refusal(tmp_path, content)
    assert (error.code, words in error.message) == ("NOT_A_ZIP", True)


@pytest.mark.parametrize("share", [0.05, 0.3, 0.7, 0.99])
def test_an_archive_that_was_cut_is_corrupt(share, tmp_path) -> None:
    content = pack(GOOD)
    assert refusal(tmp_path, content[: int(len(content) * share)]).code == "ZIP_CORRUPT"


def test_a_flipped_bit_in_any_member_is_found(tmp_path) -> None:
    content = pack(GOOD)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        for number, member in enumerate(archive.infolist()):
            name_length, extra = struct.unpack(
                "<HH", content[member.header_offset + 26 : member.header_offset + 30]
            )
            start = member.header_offset + 30 + name_length + extra
            spoilt = bytearray(content)
            spoilt[start + member.compress_size // 2] ^= 0x10
            folder = tmp_path / str(number)
            folder.mkdir()
            assert refusal(folder, bytes(spoilt)).code == "ZIP_CRC", member.filename


def test_a_stored_member_with_a_flipped_byte_is_found_too(tmp_path) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        for name, content in GOOD.items():
            archive.writestr(name, content)
    spoilt = out.getvalue().replace(b"Com01012023_g dbf", b"Com01012023_g dbF", 1)
    error = refusal(tmp_path, spoilt)
    assert (error.code, "Com01012023_g_WGS84.dbf" in error.message) == ("ZIP_CRC", True)


@pytest.mark.parametrize(
    "name",
    [
        "../../evil.dbf",
        "/etc/evil.dbf",
        "Limiti/../../evil.dbf",
        "C:\\evil.dbf",
        "C:/evil.dbf",
        "Limiti\\evil.dbf",
        "..",
    ],
)
def test_a_member_that_climbs_out_is_refused(name, tmp_path) -> None:
    member = zipfile.ZipInfo("x" * len(name))
    content = with_member(member).replace(b"x" * len(name), name.encode())
    assert refusal(tmp_path, content).code == "ZIP_PATH"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["Limiti01012023_g.zip", "out"]


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFCHR, stat.S_IFIFO])
def test_a_link_or_a_device_is_refused(kind, tmp_path) -> None:
    member = zipfile.ZipInfo("Limiti/link.shp")
    member.external_attr = (kind | 0o777) << 16
    assert refusal(tmp_path, with_member(member, b"/etc/passwd")).code == "ZIP_PATH"


def test_a_bomb_is_refused_by_its_table_of_contents(tmp_path) -> None:
    out = io.BytesIO(pack(GOOD))
    with (
        zipfile.ZipFile(out, "a", zipfile.ZIP_DEFLATED) as archive,
        archive.open("Limiti/Com01012023_g/zero.bin", "w") as member,
    ):
        for _ in range(30):
            member.write(bytes(1_000_000))
    error = refusal(tmp_path, out.getvalue())  # 30 MB of zeros pack a thousandfold
    assert (error.code, "nothing was unpacked" in error.message) == ("ZIP_TOO_LARGE", True)


@pytest.mark.parametrize(
    "caps",
    [
        ArchiveCaps(unpacked_bytes=1000, member_bytes=1_000_000),
        ArchiveCaps(unpacked_bytes=1_000_000, member_bytes=100),
        ArchiveCaps(unpacked_bytes=1_000_000, member_bytes=1_000_000, members=5),
    ],
)
def test_each_cap_holds(caps, tmp_path) -> None:
    assert refusal(tmp_path, pack(GOOD), caps).code == "ZIP_TOO_LARGE"


def test_sizes_count_across_archives_within_it(tmp_path) -> None:
    inner = pack({name: content for name, content in GOOD.items() if "Com" in name})
    outer = {name: content for name, content in GOOD.items() if "Com" not in name}
    size = sum(map(len, outer.values())) + len(inner)
    caps = ArchiveCaps(unpacked_bytes=size + 100, member_bytes=1_000_000)
    assert refusal(tmp_path, pack(outer | {"Com.zip": inner}), caps).code == "ZIP_TOO_LARGE"
    (tmp_path / "out").rmdir()
    many = {f"{n}.zip": pack({}) for n in range(17)}
    assert refusal(tmp_path, pack(GOOD | many)).code == "ZIP_TOO_LARGE"


def test_a_header_that_understates_a_size_does_not_let_more_through(tmp_path) -> None:
    content = pack(GOOD | {"Limiti/big.bin": bytes(123_457)})
    lied = content.replace(struct.pack("<I", 123_457), struct.pack("<I", 10))
    assert refusal(tmp_path, lied).code in {"ZIP_CRC", "ZIP_CORRUPT"}


def test_a_name_that_stands_twice_is_refused(tmp_path) -> None:
    out = io.BytesIO(pack(GOOD))
    with zipfile.ZipFile(out, "a") as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # the library warns of what is tested here
        archive.writestr("Limiti/Com01012023_g/Com01012023_g_WGS84.DBF", b"other")
    assert refusal(tmp_path, out.getvalue()).code == "ZIP_DUPLICATE"


def test_an_archive_with_a_password_is_refused(tmp_path) -> None:
    content = bytearray(pack(GOOD))
    at = content.find(b"PK\x01\x02")
    content[at + 8] |= 1
    assert refusal(tmp_path, bytes(content)).code == "ZIP_ENCRYPTED"


def test_a_layer_may_stand_in_an_archive_within_it(tmp_path) -> None:
    inner = pack({Path(k).name: v for k, v in GOOD.items() if "Com" in k})
    outer = {k: v for k, v in GOOD.items() if "Com" not in k}
    found = take(tmp_path, pack(outer | {"Limiti/Com01012023_g.zip": inner}))
    assert found["municipalities.prj"] == b"Com01012023_g prj" * 100


def test_a_complete_layer_in_an_inner_archive_beats_a_part_of_it_outside(tmp_path) -> None:
    inner = pack({Path(k).name: v for k, v in GOOD.items() if "Reg" in k})
    outer = {k: v for k, v in GOOD.items() if not k.endswith("Reg01012023_g_WGS84.shp")}
    assert len(take(tmp_path, pack(outer | {"Limiti/regioni.zip": inner}))) == 8


def test_the_faults_of_an_inner_archive_are_those_of_the_whole(tmp_path) -> None:
    inner = pack({"Com.shp": b"0123456789" * 50})
    cases = {"NOT_A_ZIP": b"<html>", "ZIP_CORRUPT": inner[:100]}
    cases["ZIP_PATH"] = inner.replace(b"Com.shp", b"../.shp")
    for code, content in cases.items():
        folder = tmp_path / code
        folder.mkdir()
        assert refusal(folder, pack(GOOD | {"Com.zip": content})).code == code


def test_two_layers_for_one_are_not_chosen_between(tmp_path) -> None:
    other = {k.replace("2023", "2022"): v for k, v in GOOD.items() if "Com" in k}
    assert refusal(tmp_path, pack(GOOD | other)).code == "SHAPEFILE_AMBIGUOUS"


def test_an_open_archive_reads_every_member(tmp_path) -> None:
    with open_archive(written(tmp_path, pack(GOOD)), CAPS) as archive:
        assert len(archive.namelist()) == len(GOOD)


@pytest.mark.parametrize("spoil", ["shp", "shx", "dbf", "rows", "magic"])
def test_members_that_do_not_fit_each_other_are_refused(spoil, tmp_path) -> None:
    head = struct.pack(">i", 9994) + bytes(20)
    files = {
        "shp": head + struct.pack(">i", 100) + bytes(172),
        "shx": head + struct.pack(">i", 58) + bytes(88),
        "dbf": bytes(4) + struct.pack("<IHH", 2, 33, 10) + bytes(21) + b"0123456789" * 2,
    }
    for suffix, content in files.items():
        (tmp_path / f"a.{suffix}").write_bytes(content)
    assert check_shapefile(tmp_path / "a.shp", "a") == 2
    if spoil in files:
        (tmp_path / f"a.{spoil}").write_bytes(files[spoil][:-10])
    elif spoil == "rows":
        (tmp_path / "a.dbf").write_bytes(bytes(4) + struct.pack("<IHH", 1, 33, 10) + bytes(64))
    else:
        (tmp_path / "a.shp").write_bytes(b"<OGRVRTDataSource>" + bytes(200))
    with pytest.raises(SourceError, match="SHAPEFILE_CORRUPT"):
        check_shapefile(tmp_path / "a.shp", "a")
