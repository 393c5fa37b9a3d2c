from __future__ import annotations

import datetime as dt
import unicodedata

import numpy as np
import pandas as pd
import pytest

from geo_engine.places import (
    build_resolver,
    names,
    resolve_cadastral_codes,
    resolve_istat_codes,
    resolve_names,
    suggest,
)
from geo_engine.places.areas import build_areas, postal_provinces
from geo_engine.sources.boundaries import read_changes, read_layer


def by_name(resolver, name, province="", region=""):
    """Resolve one name; give the six digits of the municipality or the reason."""
    outcome = resolve_names(resolver, [name], [province], [region]).outcomes[0]
    return outcome.reason or resolver.labels[outcome.position][:6]


def by_code(resolver, code):
    outcome = resolve_istat_codes(resolver, [code]).outcomes[0]
    return outcome.reason or resolver.labels[outcome.position][:6]


@pytest.mark.parametrize(
    ("written", "code"),
    [
        ("063049", "063049"),
        ("63049", "063049"),
        (" 63049.0", "063049"),
        ("63049,00", "063049"),
        ("19.041", "019041"),
        ("98.029", "098029"),
        ("015.146", "015146"),
        ("1001", "001001"),
        ("1.001", "001001"),
        ("015\u00a0146", "015146"),
        ("012009", "012144"),  # Bardello, merged in 2023
        ("112001", "NEW_CODE_2026"),
        ("119024", "NEW_CODE_2026"),
        ("024129", "UNKNOWN_COMUNE"),  # founded in 2026, after the layer's date
        ("999999", "UNKNOWN_COMUNE"),
        ("630490", "UNKNOWN_COMUNE"),
        ("12", "UNKNOWN_COMUNE"),
        ("Roma", "UNKNOWN_COMUNE"),
        ("", "MISSING_KEY"),
        ("  ", "MISSING_KEY"),
        (None, "MISSING_KEY"),
        (np.nan, "MISSING_KEY"),
    ],
)
def test_an_istat_code_is_read_as_registers_write_it(resolver, written, code):
    assert by_code(resolver, written) == code


@pytest.mark.parametrize(
    ("written", "code"),
    [
        ("H501", "058091"),
        ("h501", "058091"),
        (" H501 ", "058091"),
        ("A645", "012144"),
        ("Z112", "FOREIGN"),
        ("X999", "UNKNOWN_COMUNE"),
        ("501", "UNKNOWN_COMUNE"),
        ("", "MISSING_KEY"),
    ],
)
def test_a_cadastral_code_is_read_in_any_case(resolver, written, code):
    outcome = resolve_cadastral_codes(resolver, [written]).outcomes[0]
    assert (outcome.reason or resolver.labels[outcome.position][:6]) == code


@pytest.mark.parametrize(
    ("name", "province", "code"),
    [
        ("Forlì", "FC", "040012"),
        (unicodedata.normalize("NFD", "Forlì"), "FC", "040012"),
        ("FORLI'", "FO", "040012"),
        ("FORLI`", "FC", "040012"),
        ("FORLI", "Forlì-Cesena", "040012"),
        ("ForlÃ¬", "FC", "040012"),
        ("CANTÃ\x99", "CO", "013041"),
        ("CANTU'", "CO", "013041"),
        ("Sant\u2019Angelo Lodigiano", "LO", "098050"),
        ("SANT ANGELO LODIGIANO", "LO", "098050"),
        ("S. ANGELO LODIGIANO", "LO", "098050"),
        ("S.GIOVANNI IN PERSICETO", "BO", "037053"),
        ("SS. COSMA E DAMIANO", "LT", "059026"),
        ("STA MARIA CAPUA VETERE", "CE", "061083"),
        ("San\u00a0 Teodoro", "ME", "083090"),
        ("REGGIO EMILIA", "", "035033"),
        ("REGGIO EMILIA", "RE", "035033"),
        ("Reggio nell'Emilia", "Reggio Emilia", "035033"),
        ("REGGIO NELL EMILIA", "RE", "035033"),
        ("REGGIO CALABRIA", "", "080063"),
        ("Reggio Calabria", "Reggio Calabria", "080063"),
        ("Bozen", "", "021008"),
        ("Bolzano", "BZ", "021008"),
        ("Bolzano/Bozen", "Bolzano/Bozen", "021008"),
        ("BOZEN / BOLZANO", "BZ", "021008"),
        ("Bolzano - Bozen", "Provincia Autonoma di Bolzano", "021008"),
        ("Muehlbach", "BZ", "021074"),
        ("Duino Aurisina", "TS", "032001"),
        ("San Giovanni di Fassa", "TN", "022250"),
        ("Aosta/Aoste", "AO", "007003"),
        ("Milano/Roma", "MI", "UNKNOWN_COMUNE"),
        ("San Qualcosa - Pesaro", "PU", "UNKNOWN_COMUNE"),
        ("Montebello Ionico", "RC", "080053"),
        ("Roma", "Città metropolitana di Roma", "058091"),
        ("ROMA CAPITALE", "RM", "058091"),
        ("Roma (RM)", "", "058091"),
        ("Castro (LE)", "", "075096"),
        ("Olbia", "OT", "090047"),
        ("Tortolì", "OG", "091095"),
        ("Villacidro", "VS", "111096"),
        ("Carbonia", "CI", "111009"),
        ("Carbonia", "Sulcis Iglesiente", "111009"),
        ("Urbino", "PS", "041067"),
        ("Lentate sul Seveso", "MI", "108054"),
        ("Barletta", "BA", "110002"),
        ("Napoli", "NA", "063049"),
        ("Napoli", "NAN", "063049"),
        ("Napoli", "", "063049"),
        ("Napoli", "063", "063049"),
        ("Milano", "NAN", "015146"),
        ("Castro", "LE", "075096"),
        ("Paterno", "", "AMBIGUOUS_COMUNE"),
        ("Paternò", "", "087033"),
        ("PATERNO'", "", "087033"),
        ("Tre Ville", "", "022247"),
        ("Roma", "MI", "PROVINCE_CONFLICT"),
        ("Castro", "RM", "PROVINCE_CONFLICT"),
        ("Quero Vas", "BL", "025075"),
        ("Alano di Piave", "", "025075"),
        ("Castegnero Nanto", "VI", "UNKNOWN_COMUNE"),
        ("Atlantide", "RM", "UNKNOWN_COMUNE"),
        ("TRUE", "", "UNKNOWN_COMUNE"),
        ("Nan", "", "UNKNOWN_COMUNE"),
        ("None", "", "UNKNOWN_COMUNE"),
        ("None", "None", "UNKNOWN_COMUNE"),
        ("None", "TO", "001168"),
        ("Parigi", "EE", "FOREIGN"),
        ("", "EE", "FOREIGN"),
        ("ESTERO", "", "FOREIGN"),
        ("Germania", "", "FOREIGN"),
        ("SWITZERLAND", "", "FOREIGN"),
        ("Stati Uniti d'America", "", "FOREIGN"),
        ("Tallinn", "MI", "FOREIGN"),
        ("FUNES .VILLNOESS.", "BZ", "021033"),
        ("FUNES .VILLNOE", "BZ", "021033"),
        ("Villnöß - Funes", "BZ", "021033"),
        ("FUNES (VILLNÖSS)", "Bolzano .Bozen.", "021033"),
        ("APPIANO SULLA STRADA DEL VINO .EPPAN AN D", "BZ", "021004"),
        ("CALDARO", "BZ", "021015"),
        ("Urtijëi", "BZ", "021061"),
        ("Špeter", "UD", "UNKNOWN_COMUNE"),
        ("Trst", "", "032006"),
        ("San Dorligo della Valle/Dolina", "TS", "032004"),
        ("Aosta/Aoste", "Valle d'Aosta", "007003"),
        ("REGGIO DI  CALABRIA", "RC", "080063"),
        ("REGGIO NELL`EMILIA", "RE", "035033"),
        ("SAN VALENTINO IN ABRUZZO CITERIO", "PE", "068038"),
        ("S.GIO. IN PERSICETO", "BO", "037053"),
        ("S.TA MARIA C.V.", "CE", "061083"),
        ("S.TA MARIA CAPUA V.", "CE", "061083"),
        ("MONTESANO S/MARCELLANA", "SA", "065076"),
        ("BRENZONE S/ GARDA", "VR", "023014"),
        ("C.LLO DI ANNONE", "AT", "005028"),
        ("M.TE ARGENTARIO", "GR", "053016"),
        ("CANT?", "CO", "013041"),
        ("L&#39;AQUILA", "AQ", "066049"),
        ("Comune di Roma", "RM", "058091"),
        ("20121 MILANO (MI)", "", "015146"),
        ("MILANO MI", "", "015146"),
        ("CAMERI (NO)", "", "003032"),
        ("CAMERINO", "MC", "043007"),
        ("Pesaro", "PESARO URBINO", "041044"),
        ("Monza", "MONZA BRIANZA", "108033"),
        ("Andria", "BARLETTA ANDRIA TRANI", "110001"),
        ("Milano", "215", "015146"),
        ("MESTRE", "VE", "027042"),
        ("MESTRE", "MI", "UNKNOWN_COMUNE"),
        ("Marina di Massa", "MS", "045010"),
        ("OSTIA (ROMA)", "", "058091"),
        ("Roma - Ostia", "RM", "058091"),
        ("Lido di Ostia frazione di Roma", "RM", "058091"),
        ("Porto Mantovano fraz. Bancole", "MN", "020045"),
        ("Bancole - Porto Mantovano", "MN", "020045"),
        ("Alberobello - Locorotondo", "BA", "UNKNOWN_COMUNE"),
        ("MILLANO", "MI", "015146"),
        ("MILLANO", "", "UNKNOWN_COMUNE"),
        ("Cassino", "CS", "PROVINCE_CONFLICT"),
        ("Vigano", "LC", "097090"),
        ("Lugano - Svizzera", "", "FOREIGN"),
        ("LONDRA (REGNO UNITO)", "", "FOREIGN"),
        ("Sappada", "BL", "030189"),
        ("Ampezzo", "BL", "PROVINCE_CONFLICT"),
        ("San Teodoro", "NU", "090092"),
        ("", "RM", "MISSING_KEY"),
        ("-", "", "MISSING_KEY"),
        (None, None, "MISSING_KEY"),
    ],
)
def test_a_name_is_read_as_registers_write_it(resolver, name, province, code):
    assert by_name(resolver, name, province) == code


@pytest.mark.parametrize("name", ["Castro", "Livo", "Peglio", "Samone", "Calliano", "San Teodoro"])
def test_a_homonym_without_province_is_refused_with_its_candidates(resolver, name):
    outcome = resolve_names(resolver, [name]).outcomes[0]
    assert outcome.reason == "AMBIGUOUS_COMUNE"
    assert outcome.detail.count(f" {name} (") == 2


def test_a_region_tells_homonyms_apart_and_confirms_a_wrong_province(resolver):
    assert by_name(resolver, "San Teodoro", region="SICILIA") == "083090"
    assert by_name(resolver, "San Teodoro", region="19") == "083090"
    assert by_name(resolver, "Roma", "VT", "Lazio") == "058091"
    assert by_name(resolver, "Roma", "MI", "Lombardia") == "PROVINCE_CONFLICT"
    assert by_name(resolver, "Roma", "", "Lombardia") == "PROVINCE_CONFLICT"


@pytest.mark.parametrize(
    ("name", "postal_code", "code"),
    [
        ("San Teodoro", "98030", "083090"),
        ("San Teodoro", "08020", "090092"),
        ("San Teodoro", "8020.0", "090092"),
        ("Calliano", "14031", "005014"),
        ("Livo", "22010", "013130"),
        ("Livo", "00100", "AMBIGUOUS_COMUNE"),
        ("Livo", "", "AMBIGUOUS_COMUNE"),
        ("Prato", "20121", "100005"),  # it chooses among homonyms and does nothing else
        ("Atlantide", "20121", "UNKNOWN_COMUNE"),
    ],
)
def test_a_postal_code_only_chooses_among_homonyms(resolver, name, postal_code, code):
    outcomes = resolve_names(resolver, [name], None, None, [postal_code])
    outcome = outcomes.outcomes[outcomes.which[0]]
    assert (outcome.reason or resolver.labels[outcome.position][:6]) == code
    assert ("POSTAL_CODE" in outcome.flags) == (name not in ("Prato",) and code.isdigit())


def test_suggestions_name_what_was_near_and_never_more_than_asked(resolver):
    assert suggest(resolver, "Cassano", "CS")[0] == "078029 Cassano all'Ionio (CS)"
    assert suggest(resolver, "FIORENZUOLA", "PC")[0].startswith("033021 ")
    assert suggest(resolver, "Bresica", n=1) == ("017029 Brescia (BS)",)
    assert suggest(resolver, "") == ()
    assert len(suggest(resolver, "San", "MI", n=2)) <= 2


def test_every_name_of_the_vocabulary_means_one_municipality():
    layer = read_layer(dt.date(2022, 1, 1))
    words = names.vocabulary()
    meant = [*words["aliases"].values(), *words["short_names"].values(), *words["hamlets"]]
    meant += [name for moved in words["moved"].values() for name in moved]
    for official in meant:
        own = layer.index == official if official.isdigit() else layer["name"] == official
        assert own.sum() == 1, official


def test_every_province_has_its_postal_codes_and_its_capital_is_among_them():
    layer = read_layer(dt.date(2022, 1, 1))
    areas = build_areas(layer)
    reached = {
        province
        for prefix in names.vocabulary()["postal_codes"]
        for province in postal_provinces(areas, prefix.ljust(5, "0"))
    }
    assert reached == set(layer["cod_prov"])
    for postal_code, sigla in (("59100", "PO"), ("98121", "ME"), ("20900", "MB"), ("184", "RM")):
        assert areas.sigle[sigla] in postal_provinces(areas, postal_code)


def test_what_was_not_as_written_is_flagged_and_less_sure(resolver):
    def flags(name, province="", region=""):
        outcome = resolve_names(resolver, [name], [province], [region]).outcomes[0]
        return outcome.flags, outcome.confidence

    assert flags("Roma", "RM") == ((), 0.95)
    assert flags("Roma") == ((), 0.9)
    assert flags("Roma", "??x") == (("PROVINCE_UNKNOWN",), 0.9)
    assert flags("Barletta", "BA") == (("FORMER_PROVINCE",), 0.9)
    assert flags("Roma", "VT", "Lazio") == (("PROVINCE_DIFFERS",), 0.8)
    assert flags("S. Giovanni in Persiceto", "BO") == (("NAME_NORMALIZED",), 0.9)
    assert flags("Napoli", "NAN") == (("PROVINCE_RESTORED",), 0.9)
    assert flags("Bardello", "VA") == (("SUCCESSOR",), 0.95)
    assert flags("Sovizzo", "VI") == ((), 0.95)  # the merged municipality has the same name
    code = resolve_istat_codes(resolver, ["63049", "063049", "12009"])
    assert [(each.flags, each.confidence) for each in code.outcomes] == [
        (("REPAIRED_CODE",), 0.98),
        ((), 1.0),
        (("SUCCESSOR", "REPAIRED_CODE"), 0.95),
    ]


def test_every_municipality_is_found_by_each_of_its_names_codes_and_spellings(resolver):
    layer = read_layer(dt.date(2025, 1, 1))
    own = np.arange(len(layer))
    forms = {
        "as in the list": layer["name"],
        "capitals": layer["name"].str.upper(),
        "no accents": layer["name"].map(names.fold),
        "decomposed": layer["name"].map(lambda name: unicodedata.normalize("NFD", name)),
        "Italian part": layer["name"].str.split("/").str[0],
        "other part": layer["name"].str.split("/").str[-1],
        "apostrophes": layer["name"].map(_with_apostrophes),
    }
    for form, written in forms.items():
        found = resolve_names(resolver, written, layer["sigla"]).positions
        wrong = layer["name"][found != own].tolist()
        assert not wrong, f"{form}: {wrong[:5]}"
    for province in (layer["province"], layer["province"].str.upper(), layer["cod_prov"]):
        assert (resolve_names(resolver, layer["name"], province).positions == own).all()
    assert (resolve_istat_codes(resolver, layer.index.to_series()).positions == own).all()
    without_zeros = layer.index.to_series().astype(int).astype(str)
    assert (resolve_istat_codes(resolver, without_zeros).positions == own).all()
    assert (resolve_cadastral_codes(resolver, layer["cadastral_code"]).positions == own).all()


def _with_apostrophes(name: str) -> str:
    letters = unicodedata.normalize("NFKD", name.upper())
    return "".join("'" if unicodedata.combining(letter) else letter for letter in letters)


def test_no_name_alone_is_ever_placed_in_another_municipality(resolver):
    layer = read_layer(dt.date(2025, 1, 1))
    found = resolve_names(resolver, layer["name"].map(names.fold)).positions
    assert ((found == np.arange(len(layer))) | (found == -1)).all()
    assert (found == -1).sum() <= 16  # six pairs of homonyms, and those without accents


def test_resolving_does_not_depend_on_the_order_of_rows(resolver):
    written = pd.Series(["Roma", "Castro", "Milano", "Roma", None, "Castro"])
    province = pd.Series(["RM", "LE", None, "MI", "MI", None])
    one = resolve_names(resolver, written, province)
    other = resolve_names(resolver, written[::-1], province[::-1])
    assert (one.positions == other.positions[::-1]).all()
    assert (one.reasons == other.reasons[::-1]).all()
    assert len(one.outcomes) == 6


def test_changes_after_the_layers_date_are_told_and_not_guessed():
    early = build_resolver(read_layer(dt.date(2022, 1, 1)), read_changes())
    assert by_code(early, "012009") == "012009"
    outcome = resolve_names(early, ["Bardello con Malgesso e Bregano"], ["VA"]).outcomes[0]
    assert outcome.reason == "UNKNOWN_COMUNE"
    assert "2023-01-01" in outcome.detail


def test_a_foreign_mark_in_the_region_counts_and_no_country_hides_a_municipality(resolver):
    assert by_name(resolver, "Lugano", "", "ESTERO") == "FOREIGN"
    layer = read_layer(dt.date(2025, 1, 1))
    hidden = [name for name in layer["name"] if names.key(name) in names.foreign_keys()]
    assert all(not by_name(resolver, name).isupper() for name in hidden)
