//! A stand-in for libnvidia-ml, built by the tests and loaded by path. It says what the file in `FAKE_NVML` says.
//!
//! Each line is `key value value …`: the answers to the first, second … question of that key for each GPU; the last one stays.
//! `-` is "not supported", `lost` "GPU is lost". `1.key` is meant for GPU 1 alone. `energy auto` counts the GPU's power since the
//! library was opened; a key that is not there is not supported. `driver none` is a driver that is not loaded.
//! Numbers are NVML's own: mW, mJ, MHz, bytes, percent, bits.

#![allow(non_snake_case, clippy::missing_safety_doc, clippy::not_unsafe_ptr_arg_deref)]

use std::collections::BTreeMap;
use std::ffi::{c_char, c_int, c_uint, c_void};
use std::sync::{Mutex, OnceLock};
use std::time::Instant;

type Answer = c_uint;
type Device = *mut c_void;

const SUCCESS: Answer = 0;
const INVALID_ARGUMENT: Answer = 2;
const NOT_SUPPORTED: Answer = 3;
const INSUFFICIENT_SIZE: Answer = 7;
const DRIVER_NOT_LOADED: Answer = 9;
const TIMEOUT: Answer = 10;
const LOST: Answer = 15;

struct Scenario {
    lines: BTreeMap<String, Vec<String>>,
    opened: Instant,
    asked: Mutex<BTreeMap<(usize, String), usize>>,
}

fn scenario() -> &'static Scenario {
    static SCENARIO: OnceLock<Scenario> = OnceLock::new();
    SCENARIO.get_or_init(|| {
        let path = std::env::var("FAKE_NVML").expect("FAKE_NVML names a scenario");
        let text = std::fs::read_to_string(path).expect("the scenario is a file");
        let line = |line: &str| {
            let mut words = line.split_whitespace().map(str::to_owned);
            Some((words.next()?, words.collect()))
        };
        Scenario {
            lines: text.lines().filter_map(line).collect(),
            opened: Instant::now(),
            asked: Mutex::default(),
        }
    })
}

fn index(device: Device) -> usize {
    device as usize - 1
}

/// The words of a key, those of this GPU first.
fn words(device: Device, key: &str) -> Option<&'static Vec<String>> {
    let lines = &scenario().lines;
    lines.get(&format!("{}.{key}", index(device))).or_else(|| lines.get(key))
}

/// The next answer, where there is one.
fn next(device: Device, key: &str) -> Result<&'static str, Answer> {
    let words = words(device, key).ok_or(NOT_SUPPORTED)?;
    let mut asked = scenario().asked.lock().unwrap();
    let count = asked.entry((index(device), key.to_owned())).or_default();
    let word = words.get(*count).or(words.last()).ok_or(NOT_SUPPORTED)?;
    *count += 1;
    match word.as_str() {
        "-" => Err(NOT_SUPPORTED),
        "lost" => Err(LOST),
        word => Ok(word),
    }
}

fn number(device: Device, key: &str) -> Result<u64, Answer> {
    Ok(next(device, key)?.parse().expect("a number"))
}

fn put<T: TryFrom<u64>>(device: Device, key: &str, place: *mut T) -> Answer {
    match number(device, key) {
        Ok(value) => {
            unsafe { *place = T::try_from(value).ok().expect("it fits") };
            SUCCESS
        }
        Err(answer) => answer,
    }
}

fn put_text(text: &str, place: *mut c_char, length: c_uint) -> Answer {
    if text.len() >= length as usize {
        return INSUFFICIENT_SIZE;
    }
    for (at, byte) in text.bytes().chain([0]).enumerate() {
        unsafe { *place.add(at) = byte as c_char };
    }
    SUCCESS
}

/// Every word of a key, such as a name with spaces.
fn text_of(device: Device, key: &str) -> Option<String> {
    Some(words(device, key)?.join(" "))
}

#[no_mangle]
pub extern "C" fn nvmlInit_v2() -> Answer {
    match scenario().lines.get("driver").and_then(|words| words.first()) {
        Some(word) if word == "none" => DRIVER_NOT_LOADED,
        _ => SUCCESS,
    }
}

#[no_mangle]
pub extern "C" fn nvmlShutdown() -> Answer {
    SUCCESS
}

#[no_mangle]
pub extern "C" fn nvmlSystemGetDriverVersion(place: *mut c_char, length: c_uint) -> Answer {
    put_text("580.65.06", place, length)
}

#[no_mangle]
pub extern "C" fn nvmlSystemGetCudaDriverVersion_v2(place: *mut c_int) -> Answer {
    unsafe { *place = 13_000 };
    SUCCESS
}

#[no_mangle]
pub extern "C" fn nvmlDeviceGetCount_v2(place: *mut c_uint) -> Answer {
    let count = scenario().lines.get("gpus").and_then(|words| words.first()?.parse().ok());
    unsafe { *place = count.unwrap_or(1) };
    SUCCESS
}

#[no_mangle]
pub extern "C" fn nvmlDeviceGetHandleByIndex_v2(index: c_uint, place: *mut Device) -> Answer {
    let device = (index as usize + 1) as Device;
    unsafe { *place = device };
    match words(device, "handle").and_then(|words| words.first()).map(String::as_str) {
        Some("lost") => LOST,
        _ => SUCCESS,
    }
}

#[no_mangle]
pub extern "C" fn nvmlDeviceGetIndex(device: Device, place: *mut c_uint) -> Answer {
    unsafe { *place = index(device) as c_uint };
    SUCCESS
}

#[no_mangle]
pub extern "C" fn nvmlDeviceGetName(device: Device, place: *mut c_char, length: c_uint) -> Answer {
    text_of(device, "name").map_or(NOT_SUPPORTED, |name| put_text(&name, place, length))
}

#[no_mangle]
pub extern "C" fn nvmlDeviceGetUUID(device: Device, place: *mut c_char, length: c_uint) -> Answer {
    text_of(device, "uuid").map_or(NOT_SUPPORTED, |uuid| put_text(&uuid, place, length))
}

#[repr(C)]
pub struct Memory {
    version: c_uint,
    total: u64,
    reserved: u64,
    free: u64,
    used: u64,
}

#[no_mangle]
pub extern "C" fn nvmlDeviceGetMemoryInfo_v2(device: Device, place: *mut Memory) -> Answer {
    let memory = unsafe { &mut *place };
    if memory.version as usize != size_of::<Memory>() | 2 << 24 {
        return INVALID_ARGUMENT;
    }
    match (number(device, "memory_used"), number(device, "memory_total")) {
        (Ok(used), Ok(total)) => {
            (memory.total, memory.reserved, memory.free, memory.used) = (total, 0, total - used, used);
            SUCCESS
        }
        (Err(answer), _) | (_, Err(answer)) => answer,
    }
}

#[repr(C)]
pub struct Utilization {
    gpu: c_uint,
    memory: c_uint,
}

#[no_mangle]
pub extern "C" fn nvmlDeviceGetUtilizationRates(device: Device, place: *mut Utilization) -> Answer {
    match number(device, "util") {
        Ok(gpu) => {
            unsafe { *place = Utilization { gpu: gpu as c_uint, memory: gpu as c_uint / 2 } };
            SUCCESS
        }
        Err(answer) => answer,
    }
}

#[no_mangle]
pub extern "C" fn nvmlDeviceGetPowerUsage(device: Device, place: *mut c_uint) -> Answer {
    put(device, "power", place)
}

#[no_mangle]
pub extern "C" fn nvmlDeviceGetEnforcedPowerLimit(device: Device, place: *mut c_uint) -> Answer {
    put(device, "limit", place)
}

#[no_mangle]
pub extern "C" fn nvmlDeviceGetPowerManagementDefaultLimit(device: Device, place: *mut c_uint) -> Answer {
    put(device, "limit_default", place)
}

#[no_mangle]
pub extern "C" fn nvmlDeviceGetTotalEnergyConsumption(device: Device, place: *mut u64) -> Answer {
    let auto = words(device, "energy").is_some_and(|words| words.first().is_some_and(|word| word == "auto"));
    if !auto {
        return put(device, "energy", place);
    }
    let watts = words(device, "power").and_then(|words| words.last()?.parse::<f64>().ok()).unwrap_or(0.0) / 1e3;
    // A counter that has been running since the driver was loaded.
    unsafe { *place = 7_000_000_000 + (scenario().opened.elapsed().as_secs_f64() * watts * 1e3) as u64 };
    SUCCESS
}

#[repr(C)]
pub struct Field {
    id: c_uint,
    scope: c_uint,
    timestamp: i64,
    latency: i64,
    kind: c_uint,
    answer: Answer,
    value: u64,
}

#[no_mangle]
pub extern "C" fn nvmlDeviceGetFieldValues(device: Device, count: c_int, place: *mut Field) -> Answer {
    for at in 0..count as usize {
        let field = unsafe { &mut *place.add(at) };
        let power = if field.id == 186 { number(device, "instant") } else { Err(NOT_SUPPORTED) };
        // An unsigned int.
        field.kind = 1;
        (field.answer, field.value) = power.map_or_else(|answer| (answer, 0), |value| (SUCCESS, value));
    }
    SUCCESS
}

#[no_mangle]
pub extern "C" fn nvmlDeviceGetTemperature(device: Device, _sensor: c_uint, place: *mut c_uint) -> Answer {
    put(device, "temperature", place)
}

#[no_mangle]
pub extern "C" fn nvmlDeviceGetClockInfo(device: Device, kind: c_uint, place: *mut c_uint) -> Answer {
    put(device, if kind == 1 { "sm_clock" } else { "memory_clock" }, place)
}

#[no_mangle]
pub extern "C" fn nvmlDeviceGetCurrentClocksThrottleReasons(device: Device, place: *mut u64) -> Answer {
    put(device, "reasons", place)
}

#[no_mangle]
pub extern "C" fn nvmlDeviceGetTotalEccErrors(
    device: Device,
    _kind: c_uint,
    _counter: c_uint,
    place: *mut u64,
) -> Answer {
    put(device, "ecc", place)
}

#[no_mangle]
pub extern "C" fn nvmlDeviceGetMigMode(device: Device, now: *mut c_uint, next: *mut c_uint) -> Answer {
    let answer = put(device, "mig", now);
    if answer == SUCCESS {
        unsafe { *next = *now };
    }
    answer
}

#[repr(C)]
pub struct Process {
    pid: c_uint,
    memory: u64,
    gpu_instance: c_uint,
    compute_instance: c_uint,
}

#[no_mangle]
pub extern "C" fn nvmlDeviceGetComputeRunningProcesses_v3(
    device: Device,
    count: *mut c_uint,
    place: *mut Process,
) -> Answer {
    let wanted = match number(device, "processes") {
        Ok(wanted) => wanted as c_uint,
        Err(answer) => return answer,
    };
    let room = unsafe { *count };
    unsafe { *count = wanted };
    if wanted > room {
        return INSUFFICIENT_SIZE;
    }
    for at in 0..wanted {
        let process =
            Process { pid: 4_000 + at, memory: 1 << 30, gpu_instance: u32::MAX, compute_instance: u32::MAX };
        unsafe { *place.add(at as usize) = process };
    }
    SUCCESS
}

#[no_mangle]
pub extern "C" fn nvmlEventSetCreate(place: *mut Device) -> Answer {
    unsafe { *place = 1 as Device };
    SUCCESS
}

#[no_mangle]
pub extern "C" fn nvmlEventSetFree(_set: Device) -> Answer {
    SUCCESS
}

const XID: u64 = 8;

#[no_mangle]
pub extern "C" fn nvmlDeviceGetSupportedEventTypes(device: Device, place: *mut u64) -> Answer {
    unsafe { *place = if words(device, "xid").is_some() { XID } else { 0 } };
    SUCCESS
}

#[no_mangle]
pub extern "C" fn nvmlDeviceRegisterEvents(_device: Device, _types: u64, _set: Device) -> Answer {
    SUCCESS
}

#[repr(C)]
pub struct Event {
    device: Device,
    kind: u64,
    data: u64,
    gpu_instance: c_uint,
    compute_instance: c_uint,
}

/// The events of GPU 0, one for each question; when they are all told there are no more.
#[no_mangle]
pub extern "C" fn nvmlEventSetWait_v2(_set: Device, place: *mut Event, _timeout_ms: c_uint) -> Answer {
    let device = 1 as Device;
    let told = {
        let mut asked = scenario().asked.lock().unwrap();
        let count = asked.entry((0, "xid".to_owned())).or_default();
        *count += 1;
        *count - 1
    };
    let xid = words(device, "xid").and_then(|words| words.get(told)?.parse().ok());
    let Some(data) = xid else { return TIMEOUT };
    unsafe { *place = Event { device, kind: XID, data, gpu_instance: 0, compute_instance: 0 } };
    SUCCESS
}
