//! ONNX files made by hand, as much of the format as tests need. The program's tests use it, too.

/// Protobuf, as much as an ONNX file needs.
pub(crate) fn varint(mut n: u64) -> Vec<u8> {
    let mut out = Vec::new();
    while n >= 0x80 {
        out.push(n as u8 | 0x80);
        n >>= 7;
    }
    out.push(n as u8);
    out
}

pub(crate) fn number(field: u64, n: u64) -> Vec<u8> {
    [varint(field << 3), varint(n)].concat()
}

pub(crate) fn bytes(field: u64, data: &[u8]) -> Vec<u8> {
    [varint(field << 3 | 2), varint(data.len() as u64), data.to_vec()].concat()
}

pub(crate) const FLOAT: u64 = 1;
pub(crate) const INT64: u64 = 7;

pub(crate) fn tensor(name: &str, kind: u64, dims: &[u64], raw: &[u8], more: &[u8]) -> Vec<u8> {
    let dims: Vec<u8> = dims.iter().flat_map(|d| number(1, *d)).collect();
    [dims, number(2, kind), bytes(8, name.as_bytes()), bytes(9, raw), more.to_vec()].concat()
}

pub(crate) fn floats(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|v| v.to_le_bytes()).collect()
}

pub(crate) fn value(name: &str, kind: u64, dims: &[u64]) -> Vec<u8> {
    let dims: Vec<u8> = dims.iter().flat_map(|d| bytes(1, &number(1, *d))).collect();
    let tensor = [number(1, kind), bytes(2, &dims)].concat();
    [bytes(1, name.as_bytes()), bytes(2, &bytes(1, &tensor))].concat()
}

pub(crate) fn node(op: &str, inputs: &[&str], output: &str) -> Vec<u8> {
    let inputs: Vec<u8> = inputs.iter().flat_map(|i| bytes(1, i.as_bytes())).collect();
    [inputs, bytes(2, output.as_bytes()), bytes(4, op.as_bytes())].concat()
}

/// A node with attributes, each a name and whole numbers.
pub(crate) fn node_with(op: &str, inputs: &[&str], output: &str, attributes: &[(&str, &[u64])]) -> Vec<u8> {
    let mut out = node(op, inputs, output);
    for (name, values) in attributes {
        let numbers: Vec<u8> = match values {
            // Of one: type INT. Of more: INTS.
            [one] if *name == "keepdims" => [number(3, *one), number(20, 2)].concat(),
            _ => [values.iter().flat_map(|n| number(8, *n)).collect(), number(20, 7)].concat(),
        };
        out.extend(bytes(5, &[bytes(1, name.as_bytes()), numbers].concat()));
    }
    out
}

/// A descriptor for pictures of 64 x 64: means of 8 x 8 pixels in each channel, less the mean of all: 192 values. A picture
/// of one colour gives zeros. `more` nodes make `out` of `vector`.
pub(crate) fn thumbnail(more: &[Vec<u8>], values: u64) -> Vec<u8> {
    let mut graph = Vec::new();
    let pool = [("kernel_shape", &[8, 8][..]), ("strides", &[8, 8][..])];
    graph.extend(bytes(1, &node_with("AveragePool", &["pixels"], "pooled", &pool)));
    graph.extend(bytes(1, &node("Flatten", &["pooled"], "flat")));
    let mean = [("axes", &[1][..]), ("keepdims", &[1][..])];
    graph.extend(bytes(1, &node_with("ReduceMean", &["flat"], "mean", &mean)));
    graph.extend(bytes(1, &node("Sub", &["flat", "mean"], "vector")));
    for node in more {
        graph.extend(bytes(1, node));
    }
    graph.extend(bytes(2, b"thumbnail"));
    graph.extend(bytes(11, &value("pixels", FLOAT, &[1, 3, 64, 64])));
    let output = if more.is_empty() { "vector" } else { "out" };
    graph.extend(bytes(12, &value(output, FLOAT, &[1, values])));
    [number(1, 8), bytes(7, &graph), bytes(8, &number(2, 13))].concat()
}

/// Its `descriptor.toml`.
pub(crate) fn thumbnail_toml(name: &str) -> String {
    format!(
        r#"name = "{name}"
file = "{name}.onnx"
license = "MIT"
source = "made by hand"
opset = 13

[input]
name = "pixels"
layout = "NCHW"
dtype = "f32"
color = "RGB"
exif_orientation = false
alpha = "white"
steps = [{{ resize_exact = [64, 64], filter = "bilinear", antialias = true }}]
scale = 0.00392156862745098
mean = [0.0, 0.0, 0.0]
std = [1.0, 1.0, 1.0]
min_side = 16
never_upscale = false

[output]
name = "vector"
dimension = 192
"#
    )
}
