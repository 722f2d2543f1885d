"""A transformer as `optimum` exports it, as small as one can be: a word of five votes for one of the labels."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace

VOTES = {"[UNK]": (0.0, 0.5, 0.0), "schlecht": (4.0, 0.0, 0.0), "gut": (0.0, 0.0, 4.0), "lauwarm": (1.0, -1.0, 1.0)}
"""What each word adds to the logits of negative, neutral and positive."""
LABELS = ("negative", "neutral", "positive")


def make(folder: Path, labels: Sequence[str] = LABELS, votes: dict[str, Any] = VOTES, extra: str = "") -> Path:
    """Write the three files of a model whose outputs are `labels`; `extra` is an input more than one should have."""
    words = list(votes)
    table = np.array([votes[word] for word in words], np.float32)
    about = ["input_ids", "attention_mask", *([extra] if extra else [])]
    inputs = [helper.make_tensor_value_info(name, TensorProto.INT64, ["batch", "length"]) for name in about]
    output = helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", table.shape[1]])
    nodes = [
        helper.make_node("Gather", ["table", "input_ids"], ["votes"]),
        helper.make_node("Cast", ["attention_mask"], ["mask"], to=TensorProto.FLOAT),
        helper.make_node("Unsqueeze", ["mask", "last"], ["masked"]),
        helper.make_node("Mul", ["votes", "masked"], ["counted"]),
        helper.make_node("ReduceSum", ["counted", "second"], ["logits"], keepdims=0),
    ]
    known = [numpy_helper.from_array(table, "table")]
    known += [numpy_helper.from_array(np.array([at], np.int64), name) for name, at in (("last", 2), ("second", 1))]
    graph = helper.make_graph(nodes, "tiny", inputs, [output], known)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.checker.check_model(model)
    folder.mkdir(parents=True, exist_ok=True)
    onnx.save(model, folder / "model.onnx")
    tokenizer = Tokenizer(WordLevel({word: at for at, word in enumerate(words)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = Whitespace()
    tokenizer.save(str(folder / "tokenizer.json"))
    config = {"id2label": {str(at): label for at, label in enumerate(labels)}, "max_position_embeddings": 64}
    (folder / "config.json").write_text(json.dumps(config), "utf-8")
    return folder
