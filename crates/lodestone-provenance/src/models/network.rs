//! A network that is run here: tract, pure Rust, one thread, the same answer every time.

use std::io::Cursor;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use tract_onnx::pb;
use tract_onnx::prelude::*;

use super::prepare::Rgb;
use super::sidecar::{Color, Dtype, Input, Layout};

/// What a file says of the network, which has to be so.
pub(super) struct Stated<'a> {
    pub(super) opset: i64,
    pub(super) input: &'a Input,
    /// Name of the output.
    pub(super) output: &'a str,
}

/// Values of one tensor at most: 256 MiB of f32.
const MAX_VALUES: u64 = 64 << 20;

/// Operators that cannot be bounded or repeated.
const REFUSED: [&str; 8] = [
    "Bernoulli",
    "Loop",
    "Multinomial",
    "RandomNormal",
    "RandomNormalLike",
    "RandomUniform",
    "RandomUniformLike",
    "Scan",
];

/// Operators that make a tensor of a size that another tensor holds.
const SIZED_BY_VALUE: [&str; 4] = ["ConstantOfShape", "Expand", "Tile", "Range"];

pub(super) struct Network {
    plan: Arc<TypedSimplePlan>,
    input: Input,
    /// Values of the output.
    values: usize,
}

impl Network {
    /// Loads and checks a model. Nothing outside `bytes` is read.
    ///
    /// # Errors
    /// In words, what is not as stated or is refused.
    pub(super) fn load(bytes: &[u8], stated: &Stated<'_>) -> Result<Self, String> {
        guarded(|| Self::load_inner(bytes, stated))
    }

    /// How many values the output has.
    pub(super) fn values(&self) -> usize {
        self.values
    }

    /// Runs it on one window.
    ///
    /// # Errors
    /// In words: it failed, or gave something else than numbers, or another count of them.
    pub(super) fn run(&self, window: &Rgb) -> Result<Vec<f32>, String> {
        guarded(|| {
            let tensor = tensor(&self.input, window)?;
            let outputs = self
                .plan
                .run(tvec!(tensor.into_tvalue()))
                .map_err(|e| format!("the model failed: {}", first_line(&e.to_string())))?;
            let output = outputs.first().ok_or("the model gave nothing")?;
            let view = output.to_plain_array_view::<f32>().map_err(|_| "the model gave no numbers")?;
            let values: Vec<f32> = view.iter().copied().collect();
            if values.len() != self.values {
                return Err(format!("the model gave {} values, not {}", values.len(), self.values));
            }
            Ok(values)
        })
    }

    fn load_inner(bytes: &[u8], stated: &Stated<'_>) -> Result<Self, String> {
        let onnx = onnx().with_ignore_output_shapes(true);
        let proto = onnx
            .proto_model_for_read(&mut Cursor::new(bytes))
            .map_err(|_| "not an ONNX file, or cut short".to_owned())?;
        check(&proto, stated)?;
        let shape = shape(stated.input).ok_or("the steps give no fixed size")?;
        let dtype = match stated.input.dtype {
            Dtype::F32 => f32::datum_type(),
            Dtype::U8 => u8::datum_type(),
        };
        let short = |e: TractError| format!("the model cannot be run here: {}", first_line(&e.to_string()));
        let model = onnx.model_for_proto_model(&proto).map_err(short)?;
        let model = model
            .with_outputs_by_name([stated.output])
            .and_then(|m| m.with_input_fact(0, InferenceFact::dt_shape(dtype, shape)))
            .and_then(|m| m.into_typed())
            .map_err(short)?;
        bounded(&model)?;
        let model = model.into_optimized().map_err(short)?;
        bounded(&model)?;
        let output = model.output_fact(0).map_err(short)?;
        let values = output
            .shape
            .as_concrete()
            .map(|s| s.iter().product::<usize>())
            .ok_or("the output has no fixed size")?;
        if output.datum_type != f32::datum_type() {
            return Err(format!("the output holds {values} values of {:?}", output.datum_type));
        }
        let plan = model.into_runnable().map_err(short)?;
        Ok(Self { plan, input: stated.input.clone(), values })
    }
}

/// A panic inside the library is one more way to fail.
fn guarded<T>(run: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|_| Err("the model made its library fail".to_owned()))
}

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().chars().take(160).collect()
}

fn shape(input: &Input) -> Option<TVec<usize>> {
    let [height, width] = input.size()?;
    Some(match input.layout {
        Layout::Nchw => tvec!(1, 3, height, width),
        Layout::Nhwc => tvec!(1, height, width, 3),
    })
}

fn tensor(input: &Input, window: &Rgb) -> Result<Tensor, String> {
    let shape = shape(input).ok_or("no fixed size")?;
    let area = window.width * window.height;
    let channel = |c: usize| if input.color == Color::Bgr { 2 - c } else { c };
    // Position in the tensor to position in the picture and channel of the tensor.
    let place = |i: usize| match input.layout {
        Layout::Nchw => (i % area, i / area),
        Layout::Nhwc => (i / 3, i % 3),
    };
    let byte = |i: usize| {
        let (at, c) = place(i);
        (window.rgb.get(at * 3 + channel(c)).copied().unwrap_or(0), c)
    };
    let tensor = match input.dtype {
        Dtype::U8 => {
            let values: Vec<u8> = (0..area * 3).map(|i| byte(i).0).collect();
            Tensor::from_shape(&shape, &values)
        }
        Dtype::F32 => {
            let values: Vec<f32> = (0..area * 3)
                .map(|i| {
                    let (value, c) = byte(i);
                    (f32::from(value) * input.scale - input.mean[c]) / input.std[c]
                })
                .collect();
            Tensor::from_shape(&shape, &values)
        }
    };
    tensor.map_err(|e| first_line(&e.to_string()))
}

/// What the file itself must fulfil before anything is built from it.
fn check(proto: &pb::ModelProto, stated: &Stated<'_>) -> Result<(), String> {
    let opset = proto.opset_import.iter().find(|o| o.domain.is_empty() || o.domain == "ai.onnx");
    let opset = opset.ok_or("no opset is stated")?.version;
    if opset != stated.opset {
        return Err(format!("opset {opset}, not {}", stated.opset));
    }
    let graph = proto.graph.as_ref().ok_or("no graph")?;
    let initial = |name: &str| graph.initializer.iter().any(|t| t.name == name);
    let inputs: Vec<_> = graph.input.iter().filter(|i| !initial(&i.name)).collect();
    let [input] = inputs[..] else { return Err(format!("{} inputs, not 1", inputs.len())) };
    if input.name != stated.input.name {
        return Err("the input has another name than the sidecar says".to_owned());
    }
    if !graph.output.iter().any(|o| o.name == stated.output) {
        return Err("no output has the name that the sidecar says".to_owned());
    }
    check_input(input, stated.input)?;
    check_graph(graph, 0)
}

fn check_input(input: &pb::ValueInfoProto, stated: &Input) -> Result<(), String> {
    use pb::tensor_shape_proto::dimension::Value;
    let kind = input.r#type.as_ref().and_then(|t| t.value.as_ref()).ok_or("the input has no type")?;
    let pb::type_proto::Value::TensorType(kind) = kind;
    let wanted = match stated.dtype {
        Dtype::F32 => pb::tensor_proto::DataType::Float,
        Dtype::U8 => pb::tensor_proto::DataType::Uint8,
    };
    if kind.elem_type != wanted as i32 {
        return Err("the input has another dtype than the sidecar says".to_owned());
    }
    let expected = shape(stated).ok_or("the steps give no fixed size")?;
    let Some(found) = &kind.shape else { return Ok(()) };
    let fits = found.dim.len() == 4
        && found.dim.iter().zip(&expected).all(|(dim, expected)| match dim.value {
            Some(Value::DimValue(n)) => usize::try_from(n).is_ok_and(|n| n == *expected),
            _ => true,
        });
    if fits {
        Ok(())
    } else {
        Err(format!("the input is not of the shape {expected:?} that the sidecar gives"))
    }
}

fn check_graph(graph: &pb::GraphProto, depth: u32) -> Result<(), String> {
    if depth > 4 || graph.node.len() > 100_000 {
        return Err("too large a graph".to_owned());
    }
    if !graph.sparse_initializer.is_empty() {
        return Err("sparse tensors are not read".to_owned());
    }
    graph.initializer.iter().try_for_each(check_tensor)?;
    let mut sizes: Vec<(&str, &pb::TensorProto)> =
        graph.initializer.iter().map(|t| (t.name.as_str(), t)).collect();
    for node in &graph.node {
        if REFUSED.contains(&node.op_type.as_str()) {
            return Err(format!("the operator {} is not run", node.op_type));
        }
        for attribute in &node.attribute {
            for tensor in attribute.t.iter().chain(&attribute.tensors) {
                check_tensor(tensor)?;
                if let ("Constant", Some(name)) = (node.op_type.as_str(), node.output.first()) {
                    sizes.push((name, tensor));
                }
            }
            if attribute.sparse_tensor.is_some() || !attribute.sparse_tensors.is_empty() {
                return Err("sparse tensors are not read".to_owned());
            }
            attribute.g.iter().chain(&attribute.graphs).try_for_each(|g| check_graph(g, depth + 1))?;
        }
    }
    // A size that a constant holds is looked at before the constant is folded into a tensor.
    for node in graph.node.iter().filter(|n| SIZED_BY_VALUE.contains(&n.op_type.as_str())) {
        for (_, tensor) in sizes.iter().filter(|(name, _)| node.input.iter().any(|i| i == name)) {
            let values =
                tensor.raw_data.chunks_exact(8).map(|b| i64::from_le_bytes(b.try_into().unwrap_or_default()));
            let values = tensor.int64_data.iter().copied().chain(values).take(64);
            let product = values.fold(1u64, |n, v| n.saturating_mul(v.unsigned_abs().max(1)));
            if tensor.data_type == pb::tensor_proto::DataType::Int64 as i32 && product > MAX_VALUES {
                return Err(format!("{} makes a tensor of more than {MAX_VALUES} values", node.op_type));
            }
        }
    }
    Ok(())
}

fn check_tensor(tensor: &pb::TensorProto) -> Result<(), String> {
    let external = pb::tensor_proto::DataLocation::External as i32;
    if tensor.data_location == Some(external) || !tensor.external_data.is_empty() {
        return Err("external data: all weights must be inside the model file".to_owned());
    }
    let values = tensor.dims.iter().try_fold(1u64, |n, d| n.checked_mul(u64::try_from(*d).ok()?));
    match values {
        Some(values) if values <= MAX_VALUES => Ok(()),
        _ => Err(format!("a tensor of more than {MAX_VALUES} values")),
    }
}

/// Every value that is passed between operators has a known, bounded size.
fn bounded(model: &TypedModel) -> Result<(), String> {
    for node in model.nodes() {
        for output in &node.outputs {
            let values =
                output.fact.shape.as_concrete().map(|s| {
                    s.iter().fold(1u64, |n, d| n.saturating_mul(u64::try_from(*d).unwrap_or(u64::MAX)))
                });
            if values.is_some_and(|n| n > MAX_VALUES) {
                return Err(format!("a tensor of more than {MAX_VALUES} values"));
            }
        }
    }
    Ok(())
}
