//! What a bug report needs, on a terminal.

use super::gpus::render_gpus;
use super::style::{Paint, Style};
use crate::document::v1::{InfoDocument, SystemDocument};
use crate::report::number::{count, significant, tidy};
use crate::report::text::plain;

/// The machine, its GPUs, and the settings where they are known. Ends with a newline.
pub fn render_info(info: &InfoDocument, style: Style) -> String {
    let InfoDocument { format: _, tool, system, gpus, settings } = info;
    let mut out = vec![style.paint(Paint::Bold, &format!("llm-loadtest {}", plain(tool)))];
    let rows = rows(system);
    let width = rows.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    out.extend(rows.iter().map(|(name, value)| format!("{name:width$}  {}", plain(value))));
    out.push(String::new());
    out.push(render_gpus(gpus, style).trim_end().to_owned());
    if !settings.is_empty() {
        let longest = |text: fn(&crate::document::v1::SettingDocument) -> &str| {
            settings.iter().map(|setting| text(setting).chars().count()).max().unwrap_or(0)
        };
        let (first, second) = (longest(|setting| &setting.key), longest(|setting| &setting.value));
        out.push(String::new());
        out.extend(settings.iter().map(|setting| {
            format!("{:first$}  {:second$}  {}", setting.key, plain(&setting.value), plain(&setting.origin))
        }));
    }
    out.push(String::new());
    out.join("\n")
}

fn rows(system: &SystemDocument) -> Vec<(&'static str, String)> {
    let SystemDocument {
        os,
        kernel,
        arch,
        cpu,
        cpu_cores,
        cpu_quota,
        cpu_governors,
        memory_bytes,
        memory_limit_bytes,
        container,
        container_engines,
        ci,
        open_files,
        local_ports,
    } = system;
    let gigabytes = |bytes: u64| format!("{} GB", significant(bytes as f64 / 1e9));
    let quota = cpu_quota.map(|cores| format!(", a cgroup allows {}", tidy(cores)));
    let limit = memory_limit_bytes.map(|bytes| format!(", a cgroup allows {}", gigabytes(bytes)));
    let rows = [
        ("system", format!("{os}, kernel {}, {arch}", kernel.as_deref().unwrap_or("unknown"))),
        ("CPU", format!("{cpu}, {cpu_cores} cores{}", quota.unwrap_or_default())),
        ("governor", cpu_governors.join(", ")),
        ("memory", format!("{}{}", gigabytes(*memory_bytes), limit.unwrap_or_default())),
        ("container", if *container { "yes".to_owned() } else { "no".to_owned() }),
        ("engines", container_engines.join(", ")),
        ("CI", ci.clone().unwrap_or_default()),
        ("open files", open_files.map(count).unwrap_or_default()),
        ("local ports", local_ports.map(|(from, to)| format!("{from} to {to}")).unwrap_or_default()),
    ];
    rows.into_iter().filter(|(_, value)| !value.is_empty()).collect()
}
