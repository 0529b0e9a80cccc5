"""The transformers loader on folders that hold the model alone, without feature extractor or image processor."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers

from audit.errors import ModelError
from audit.loaders.transformers_folder.inspect import inspect
from audit.manifest import load_model
from audit.model import Model
from audit.starter.data_facts import DataFacts
from audit.starter.inputs import drafts

from .transformers_cases import FACES, LABELS, SPEECH, clips, in_unit_range, manifest, pictures, resnet, vit, wav2vec2


def alone(folder: Path, network: Any, given: str) -> Model:
    network.save_pretrained(folder / "kept")
    return load_model(manifest(folder, given=given))


def test_a_waveform_is_scaled_as_the_manifest_says_and_not_again(tmp_path: Path) -> None:
    own = wav2vec2()
    model = alone(tmp_path, own, SPEECH.replace("}", ", scaling: {mean: 0.1, std: 2.0}}"))
    inputs = model.spec.represent(clips(2))
    with torch.no_grad():
        torch.testing.assert_close(model.logits(inputs), own((clips(2) - 0.1) / 2.0).logits, atol=1e-5, rtol=0)
    assert "without feature extractor: given waveform, (x - 0.1) / 2 as the manifest says" in model.note


def test_what_preprocess_makes_of_a_waveform_is_given_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text("def quarter(waveform, rate):\n    return waveform / 4\n")
    own = wav2vec2()
    model = alone(tmp_path, own, SPEECH.replace("representation: waveform", "preprocess: mine.py:quarter"))
    with torch.no_grad():
        found = model.logits(model.spec.represent(clips(2)))
        torch.testing.assert_close(found, own(clips(2) / 4).logits, atol=1e-5, rtol=0)


def test_pictures_are_scaled_as_the_manifest_says(tmp_path: Path) -> None:
    own = vit()
    model = alone(tmp_path, own, FACES.replace("}", ", scaling: {mean: 0.5, std: 0.25}}"))
    given = in_unit_range(pictures(2))
    with torch.no_grad():
        found = model.logits(model.spec.represent(given))
        torch.testing.assert_close(found, own((given - 0.5) / 0.25).logits, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize(
    ("build", "given", "scaling"),
    [(wav2vec2, SPEECH, "{per_clip: standard}"), (vit, FACES, "{mean: 0.5, std: 0.5}")],
)
def test_the_lines_that_the_refusal_prints_can_be_written_as_they_are(
    tmp_path: Path, build: Any, given: str, scaling: str
) -> None:
    with pytest.raises(
        ModelError, match=r"has no preprocessor_config\.json, .*`preprocess: file\.py:function`"
    ) as caught:
        alone(tmp_path, build(), given)
    told = str(caught.value)
    assert f"`scaling: {scaling}`" in told
    scaled = alone(tmp_path, build(), given.replace("}", f", scaling: {scaling}}}"))
    (written,) = re.findall(r"\{\"[^}]*\}", told)
    assert json.loads(written)
    (tmp_path / "kept" / "preprocessor_config.json").write_text(written)
    own = load_model(manifest(tmp_path, given=given))
    inputs = 1000 * clips(2) if build is wav2vec2 else in_unit_range(pictures(2))
    with torch.no_grad():
        expected = own.logits(inputs)
        torch.testing.assert_close(scaled.logits(scaled.spec.represent(inputs)), expected, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize(("build", "modality"), [(wav2vec2, "speech"), (vit, "face"), (resnet, "face")])
def test_hearing_is_told_from_seeing_by_the_config(tmp_path: Path, build: Any, modality: str) -> None:
    build().save_pretrained(tmp_path)
    found = inspect(tmp_path, trust=False)
    assert found is not None
    assert (found.modality, found.labels) == (modality, LABELS)
    assert "without preprocessor_config.json" in found.what
    assert found.input.get("height") == (16 if build is vit else None)


def test_a_model_of_spectrograms_hears(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(transformers.ASTConfig().to_json_string())
    found = inspect(tmp_path, trust=False)
    assert found is not None
    assert found.modality == "speech"


def test_a_function_may_make_the_input_and_otherwise_it_is_a_waveform(tmp_path: Path) -> None:
    wav2vec2().save_pretrained(tmp_path)
    found = inspect(tmp_path, trust=False)
    assert found is not None
    facts = DataFacts("speech", (16000,), (1.0, 1.0), (), False)
    (made,) = drafts(found, facts, "mine.py:own")
    assert made.lines["preprocess"] == "mine.py:own"
    assert "representation" not in made.lines
    assert {draft.lines["representation"] for draft in drafts(found, facts)} == {"waveform"}
