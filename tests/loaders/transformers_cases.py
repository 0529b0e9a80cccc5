"""Small classifiers of transformers, with weights that answer, and recordings for them."""

from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers
from PIL import Image

from audit.manifest import load_model
from audit.model import Model

LABELS = ("anger", "joy", "neutral")
NAMES: dict[str, Any] = {"id2label": dict(enumerate(LABELS)), "label2id": {n: i for i, n in enumerate(LABELS)}}
SMALL: dict[str, Any] = {
    "hidden_size": 24,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 32,
    **NAMES,
}
HEARING: dict[str, Any] = {
    "conv_dim": (12, 12, 12),
    "conv_stride": (5, 4, 2),
    "conv_kernel": (10, 8, 4),
    "num_feat_extract_layers": 3,
    "num_conv_pos_embeddings": 16,
    "num_conv_pos_embedding_groups": 2,
    "classifier_proj_size": 16,
    **SMALL,
}
SIDE = 16
MASKED: dict[str, Any] = {"do_normalize": True, "return_attention_mask": True}
SPEECH = "{sampling_rate: 16000, seconds: 0.125, representation: waveform}"
FACES = f"{{modality: face, height: {SIDE}, width: {SIDE}, colour: rgb}}"


def lively(network: Any) -> Any:
    generator = torch.Generator().manual_seed(0)
    for parameter in network.parameters():
        parameter.data = 0.4 * torch.randn(parameter.shape, generator=generator)
    return network.eval()


def wav2vec2() -> Any:
    return lively(transformers.Wav2Vec2ForSequenceClassification(transformers.Wav2Vec2Config(**HEARING)))


def wav2vec2_with_layer_norm() -> Any:
    own = transformers.Wav2Vec2Config(**HEARING, feat_extract_norm="layer", do_stable_layer_norm=True, conv_bias=True)
    return lively(transformers.Wav2Vec2ForSequenceClassification(own))


def hubert() -> Any:
    return lively(transformers.HubertForSequenceClassification(transformers.HubertConfig(**HEARING)))


def vit() -> Any:
    return lively(
        transformers.ViTForImageClassification(transformers.ViTConfig(**SMALL, image_size=SIDE, patch_size=4))
    )


def resnet() -> Any:
    config = transformers.ResNetConfig(embedding_size=8, hidden_sizes=[8, 12], depths=[1, 1], **NAMES)
    torch.manual_seed(0)
    return transformers.ResNetForImageClassification(config).eval()


def manifest(folder: Path, *, given: str = SPEECH, labels: Any = LABELS, extra: str = "") -> Path:
    path = folder / "m.model.yaml"
    path.write_text(
        f"version: 1\nmodel: own\nloader: transformers\nweights: kept\ninput: {given}\n"
        f"emotions: [{', '.join(labels)}]\n{extra}"
    )
    return path


def kept(folder: Path, network: Any, processor: Any, *, given: str = SPEECH, extra: str = "") -> Model:
    network.save_pretrained(folder / "kept")
    processor.save_pretrained(folder / "kept")
    return load_model(manifest(folder, given=given, extra=extra))


def clips(count: int) -> torch.Tensor:
    """Clips with an offset, of unlike loudness, one in two of 1700 samples and filled up by zeros."""
    found = 0.1 + torch.randn(count, 2000, generator=torch.Generator().manual_seed(1))
    found = found * torch.logspace(-3, 0, count)[:, None]
    found[::2, 1700:] = 0.0
    return found


def extracted(extractor: Any, padded: torch.Tensor) -> Any:
    """Return what the extractor makes of `clips`, which it fills up itself where it masks what it has filled up."""
    given = list(padded.numpy())
    if extractor.return_attention_mask:
        given = [clip if index % 2 else clip[:1700] for index, clip in enumerate(given)]
    return extractor(given, sampling_rate=16000, padding="max_length", max_length=2000, return_tensors="pt")


def pictures(count: int) -> list[Image.Image]:
    values = np.random.default_rng(1).integers(0, 256, (count, SIDE, SIDE, 3), dtype=np.uint8)
    return [Image.fromarray(value) for value in values]


def in_unit_range(shown: list[Image.Image]) -> torch.Tensor:
    return torch.stack([torch.from_numpy(np.asarray(p, dtype=np.float32) / 255).movedim(-1, 0) for p in shown])
