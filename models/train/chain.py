"""Networks that are one chain of convolutions with sums across, and their ONNX files in three precisions.

A chain is run in torch for training and measuring, with quantization simulated if asked for, and
written with python3-onnx as fp32, fp16 (weights stored as float16, computed in float32) and int8
(static QDQ: activations uint8 per tensor, weights int8 per output channel, biases int32).
"""

from dataclasses import dataclass

import numpy as np
import onnx
import torch
import torch.nn.functional as F
from onnx import TensorProto, helper, numpy_helper

OPSET = 13


@dataclass
class Layer:
    name: str
    weight: torch.Tensor  # [out, in, h, w]
    bias: torch.Tensor
    stride: int = 1
    pad: int = 1
    relu: bool = True
    dilation: int = 1


@dataclass
class Sum:
    """Adds an earlier value: 0 is the input, i + 1 the output of layers[i]."""

    name: str
    value: int


@dataclass
class Chain:
    """tail 'classify': softmax over channels of a 1 x 1 picture; 'residual': clip(x - chain(x))."""

    name: str
    layers: list
    tail: str
    input_name: str
    output_name: str
    input_shape: list


@dataclass
class Scale:
    """Of uint8 activations: value = scale * (q - zero)."""

    scale: float
    zero: int


def scale_of(low, high):
    low, high = min(low, 0.0), max(high, 1e-6)
    scale = float(np.float32((high - low) / 255))
    return Scale(scale, int(np.clip(round(-low / scale), 0, 255)))


def weight_scales(weight):
    return (weight.abs().amax(dim=(1, 2, 3)).clamp(min=1e-8) / 127).float()


def _through(exact, rounded):
    """`rounded`, with the gradient of `exact`: so that training can go through quantization."""
    return exact + (rounded - exact).detach()


def _fake(x, s):
    low, high = -s.zero, 255 - s.zero
    rounded = torch.round(x / s.scale).clamp(low, high) * s.scale
    return _through(x.clamp(low * s.scale, high * s.scale), rounded)


def _layer_parameters(layer, precision, entry):
    if precision == "fp16":
        return layer.weight.half().float(), layer.bias
    if precision == "int8":
        scales = weight_scales(layer.weight.detach())
        shape = scales[:, None, None, None]
        weight = torch.clamp(torch.round(layer.weight / shape), -127, 127) * shape
        step = scales * entry.scale
        bias = torch.round(layer.bias / step) * step
        return _through(layer.weight, weight), _through(layer.bias, bias)
    return layer.weight, layer.bias


def _convolved(layer, x, precision, entry):
    weight, bias = _layer_parameters(layer, precision, entry)
    x = F.conv2d(x, weight, bias, layer.stride, layer.pad, layer.dilation)
    return F.relu(x) if layer.relu else x


def run(chain, x, precision="fp32", scales=None, observe=None):
    """The chain's output for a batch; `scales` (of calibrate) for int8."""
    entry = x
    if observe is not None:
        observe(0, x)
    if scales:
        x = _fake(x, scales[0])
    values = [x]
    for i, layer in enumerate(chain.layers):
        if isinstance(layer, Sum):
            x = x + values[layer.value]
        else:
            x = _convolved(layer, x, precision, scales[i] if scales else None)
        if observe is not None:
            observe(i + 1, x)
        if scales:
            x = _fake(x, scales[i + 1])
        values.append(x)
    if chain.tail == "classify":
        return F.softmax(x.flatten(1), dim=1)
    return (entry - x).clamp(0, 1)


def calibrate(chain, batches, percentile=0.9999):
    """Scales of the input and of every layer's output, from the ranges seen in `batches`."""
    lows, highs = {}, {}

    def observe(i, x):
        flat = x.flatten().sort().values
        cut = int((1 - percentile) * (len(flat) - 1))
        lows.setdefault(i, []).append(float(flat[cut]))
        highs.setdefault(i, []).append(float(flat[-1 - cut]))

    with torch.no_grad():
        for batch in batches:
            run(chain, batch, observe=observe)
    return [scale_of(np.mean(lows[i]), np.mean(highs[i])) for i in range(len(lows))]


class _Writer:
    def __init__(self):
        self.nodes, self.constants = [], []

    def constant(self, name, array):
        self.constants.append(numpy_helper.from_array(np.array(array, order="C"), name))
        return name

    def node(self, kind, inputs, output, **attributes):
        self.nodes.append(helper.make_node(kind, inputs, [output], name=output, **attributes))
        return output

    def quantized(self, value, s):
        scale = self.constant(f"{value}_scale", np.float32(s.scale))
        zero = self.constant(f"{value}_zero", np.uint8(s.zero))
        q = self.node("QuantizeLinear", [value, scale, zero], f"{value}_q")
        return self.node("DequantizeLinear", [q, scale, zero], f"{value}_dq")

    def parameters(self, layer, precision, entry):
        weight, bias, name = layer.weight.numpy(), layer.bias.numpy(), layer.name
        if precision == "fp32":
            return [self.constant(f"{name}_w", weight), self.constant(f"{name}_b", bias)]
        if precision == "fp16":
            half = self.constant(f"{name}_w16", weight.astype(np.float16))
            cast = self.node("Cast", [half], f"{name}_w", to=TensorProto.FLOAT)
            return [cast, self.constant(f"{name}_b", bias)]
        scales = weight_scales(layer.weight).numpy()
        q = np.clip(np.round(weight / scales[:, None, None, None]), -127, 127).astype(np.int8)
        step = (scales * np.float32(entry.scale)).astype(np.float32)
        return [
            self.dequantized(f"{name}_w", q, scales),
            self.dequantized(f"{name}_b", np.round(bias / step).astype(np.int32), step),
        ]

    def dequantized(self, name, q, scales):
        inputs = [
            self.constant(f"{name}_q", q),
            self.constant(f"{name}_scale", scales),
            self.constant(f"{name}_zero", np.zeros(len(scales), q.dtype)),
        ]
        return self.node("DequantizeLinear", inputs, name, axis=0)

    def convolution(self, layer, value, precision, entry):
        parameters = self.parameters(layer, precision, entry)
        height, width = layer.weight.shape[2:]
        value = self.node(
            "Conv", [value, *parameters], f"{layer.name}_conv", kernel_shape=[height, width],
            strides=[layer.stride] * 2, pads=[layer.pad] * 4, dilations=[layer.dilation] * 2,
        )
        return self.node("Relu", [value], layer.name) if layer.relu else value


def to_onnx(chain, precision, scales=None):
    """The ONNX model; int8 needs `scales`."""
    w = _Writer()
    int8 = precision == "int8"
    value = w.quantized(chain.input_name, scales[0]) if int8 else chain.input_name
    values = [value]
    for i, layer in enumerate(chain.layers):
        if isinstance(layer, Sum):
            value = w.node("Add", [value, values[layer.value]], layer.name)
        else:
            value = w.convolution(layer, value, precision, scales[i] if int8 else None)
        if int8:
            value = w.quantized(value, scales[i + 1])
        values.append(value)
    if chain.tail == "classify":
        value = w.node("Flatten", [value], "logits", axis=1)
        w.node("Softmax", [value], chain.output_name, axis=1)
        output_shape = [chain.input_shape[0], len(chain.layers[-1].bias)]
    else:
        value = w.node("Sub", [chain.input_name, value], "difference")
        limits = [w.constant("zero", np.float32(0)), w.constant("one", np.float32(1))]
        w.node("Clip", [value, *limits], chain.output_name)
        output_shape = chain.input_shape
    graph = helper.make_graph(
        w.nodes, chain.name,
        [helper.make_tensor_value_info(chain.input_name, TensorProto.FLOAT, chain.input_shape)],
        [helper.make_tensor_value_info(chain.output_name, TensorProto.FLOAT, output_shape)],
        w.constants,
    )
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", OPSET)], producer_name="sardonyx",
        ir_version=8,
    )
    onnx.checker.check_model(model, full_check=True)
    return model
