//! System calls that a worker has no use for are refused: network, other programs, other processes, changes to files.
//!
//! A worker gets its item's bytes by pipe, reads its own lists and models by path, computes, and answers by pipe. Whoever
//! takes one over through a damaged file can ask the kernel for nothing that leaves the machine, starts a program or
//! touches the evidence: each such call fails with `EPERM`, in every thread, for good. What is left open: reading files
//! that the user may read (the answers' pipe is the only way out), and memory and processor up to the limits.
//!
//! Linux on x86-64 and AArch64. Elsewhere, and on a kernel built without seccomp, workers run without: see
//! [`crate::enforced`].

use std::collections::BTreeMap;
use std::io;

use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
    TargetArch,
};

/// What is refused. New sockets of any kind, and everything that could use one that was handed down; other programs;
/// other processes; io_uring, whose requests no filter sees; and what changes files or folders.
const REFUSED: [libc::c_long; 52] = [
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
    libc::SYS_pidfd_send_signal,
    libc::SYS_kill,
    libc::SYS_bpf,
    libc::SYS_userfaultfd,
    libc::SYS_unshare,
    libc::SYS_setns,
    libc::SYS_chroot,
    libc::SYS_mount,
    libc::SYS_umount2,
    // Its flags stand in memory, where a filter cannot see them.
    libc::SYS_openat2,
    libc::SYS_unlinkat,
    libc::SYS_renameat,
    libc::SYS_renameat2,
    libc::SYS_mkdirat,
    libc::SYS_mknodat,
    libc::SYS_linkat,
    libc::SYS_symlinkat,
    libc::SYS_truncate,
    libc::SYS_ftruncate,
    libc::SYS_fallocate,
    libc::SYS_fchmod,
    libc::SYS_fchmodat,
    libc::SYS_fchown,
    libc::SYS_fchownat,
    libc::SYS_utimensat,
    libc::SYS_setxattr,
    libc::SYS_lsetxattr,
    libc::SYS_fsetxattr,
    libc::SYS_removexattr,
    libc::SYS_lremovexattr,
];

/// Older calls for the same.
#[cfg(target_arch = "x86_64")]
const REFUSED_OLD: [libc::c_long; 15] = [
    libc::SYS_creat,
    libc::SYS_unlink,
    libc::SYS_rename,
    libc::SYS_mkdir,
    libc::SYS_rmdir,
    libc::SYS_mknod,
    libc::SYS_link,
    libc::SYS_symlink,
    libc::SYS_chmod,
    libc::SYS_chown,
    libc::SYS_lchown,
    libc::SYS_utime,
    libc::SYS_utimes,
    libc::SYS_futimesat,
    libc::SYS_fremovexattr,
];
#[cfg(target_arch = "aarch64")]
const REFUSED_OLD: [libc::c_long; 1] = [libc::SYS_fremovexattr];

/// Calls that open a file, with the place of their flags: refused for anything but reading.
#[cfg(target_arch = "x86_64")]
const OPENING: [(libc::c_long, u8); 2] = [(libc::SYS_open, 1), (libc::SYS_openat, 2)];
#[cfg(target_arch = "aarch64")]
const OPENING: [(libc::c_long, u8); 1] = [(libc::SYS_openat, 2)];

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
    let always = REFUSED.into_iter().chain(REFUSED_OLD).map(|number| (number, Vec::new()));
    let mut rules: BTreeMap<i64, Vec<SeccompRule>> = always.collect();
    for (number, flags) in OPENING {
        rules.insert(number, writing(flags)?);
    }
    #[cfg(target_arch = "x86_64")]
    {
        let x32: Vec<_> = rules.iter().map(|(number, rules)| (number | X32, rules.clone())).collect();
        rules.extend(x32);
        rules.extend(X32_OWN.map(|number| (number | X32, Vec::new())));
    }
    let arch = if cfg!(target_arch = "x86_64") { TargetArch::x86_64 } else { TargetArch::aarch64 };
    let refused = SeccompAction::Errno(libc::EPERM.unsigned_abs());
    SeccompFilter::new(rules, SeccompAction::Allow, refused, arch)?.try_into()
}

/// Any of these flags: to write, to write and read, to make, to empty.
fn writing(argument: u8) -> Result<Vec<SeccompRule>, seccompiler::BackendError> {
    let flag = |flag: libc::c_int| u64::from(flag.unsigned_abs());
    let access = flag(libc::O_ACCMODE);
    [
        (access, flag(libc::O_WRONLY)),
        (access, flag(libc::O_RDWR)),
        (access, access),
        (flag(libc::O_CREAT), flag(libc::O_CREAT)),
        (flag(libc::O_TRUNC), flag(libc::O_TRUNC)),
    ]
    .into_iter()
    .map(|(mask, value)| {
        let is_set = SeccompCmpOp::MaskedEq(mask);
        SeccompRule::new(vec![SeccompCondition::new(argument, SeccompCmpArgLen::Dword, is_set, value)?])
    })
    .collect()
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
