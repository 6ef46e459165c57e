//! System calls that a worker has no use for are refused: network, other programs, other processes.
//!
//! A worker gets its item's bytes and its own files by pipe and by path, computes, and answers by pipe. Whoever takes
//! one over through a damaged file can ask the kernel for nothing that leaves the machine or starts a program: each such
//! call fails with `EPERM`, in every thread, for good. What is left open: reading files that the user may read (the
//! answers' pipe is the only way out), and memory and processor up to the limits.
//!
//! Linux on x86-64 and AArch64. Elsewhere, and on a kernel built without seccomp, workers run without: see
//! [`crate::enforced`].

use std::collections::BTreeMap;
use std::io;

use seccompiler::{BpfProgram, SeccompAction, SeccompFilter, TargetArch};

/// What is refused. New sockets of any kind, and everything that could use one that was handed down; other programs;
/// looking into other processes; and io_uring, whose requests no filter sees.
const REFUSED: [libc::c_long; 26] = [
    libc::SYS_socket,
    libc::SYS_socketpair,
    libc::SYS_connect,
    libc::SYS_bind,
    libc::SYS_listen,
    libc::SYS_accept,
    libc::SYS_accept4,
    libc::SYS_sendto,
    libc::SYS_sendmsg,
    libc::SYS_sendmmsg,
    libc::SYS_recvfrom,
    libc::SYS_recvmsg,
    libc::SYS_recvmmsg,
    libc::SYS_io_uring_setup,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    libc::SYS_execve,
    libc::SYS_execveat,
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_pidfd_getfd,
    libc::SYS_bpf,
    libc::SYS_userfaultfd,
    libc::SYS_unshare,
    libc::SYS_setns,
];

/// Calls of the x32 ABI, which carry this bit; some have numbers of their own. *Source:* Linux
/// `arch/x86/entry/syscalls/syscall_64.tbl`.
#[cfg(target_arch = "x86_64")]
const X32: libc::c_long = 0x4000_0000;
/// recvfrom, sendmsg, recvmsg, execve, ptrace, recvmmsg, sendmmsg, process_vm_readv, process_vm_writev, execveat.
#[cfg(target_arch = "x86_64")]
const X32_OWN: [libc::c_long; 10] = [517, 518, 519, 520, 521, 537, 538, 539, 540, 545];

/// Refuses them in this process and all its threads, for good.
///
/// # Errors
/// When the kernel has seccomp and will not take the filter. A kernel without is no error.
pub(crate) fn apply() -> io::Result<()> {
    let filter = program().map_err(io::Error::other)?;
    match seccompiler::apply_filter_all_threads(&filter) {
        Ok(()) => Ok(()),
        Err(seccompiler::Error::Prctl(why) | seccompiler::Error::Seccomp(why)) if is_missing(&why) => Ok(()),
        Err(error) => Err(io::Error::other(error)),
    }
}

/// The kernel knows no such thing: `ENOSYS` without the call, `EINVAL` without filters.
fn is_missing(why: &io::Error) -> bool {
    matches!(why.raw_os_error(), Some(libc::ENOSYS | libc::EINVAL))
}

fn program() -> Result<BpfProgram, seccompiler::BackendError> {
    #[cfg(target_arch = "x86_64")]
    let (arch, numbers) = {
        let x32 = REFUSED.iter().chain(&X32_OWN).map(|number| number | X32);
        (TargetArch::x86_64, REFUSED.into_iter().chain(x32))
    };
    #[cfg(target_arch = "aarch64")]
    let (arch, numbers) = (TargetArch::aarch64, REFUSED.into_iter());
    let rules: BTreeMap<i64, _> = numbers.map(|number| (number, Vec::new())).collect();
    let refused = SeccompAction::Errno(libc::EPERM.unsigned_abs());
    SeccompFilter::new(rules, SeccompAction::Allow, refused, arch)?.try_into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_filter_compiles_within_what_the_kernel_takes() {
        let program = program().unwrap();
        assert!((REFUSED.len()..4096).contains(&program.len()), "{}", program.len());
    }
}
