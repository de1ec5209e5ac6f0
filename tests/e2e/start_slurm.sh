#!/usr/bin/env bash
# Start a Slurm of one node on this machine, with accounts, for tests/e2e/test_clusters.py.
# As root on Debian or Ubuntu, after: apt-get install slurm-wlm slurmdbd mariadb-server
# It replaces the machine's own Slurm configuration: for containers and test machines only.
set -euo pipefail

host=$(hostname -s)
password=$(head -c 16 /dev/urandom | od -An -tx1 | tr -d ' \n')
etc=/etc/slurm

wait_for() {
  for _ in $(seq 60); do "$@" >/dev/null 2>&1 && return; sleep 0.5; done
  echo "error: expected '$*' to succeed within 30 seconds" >&2
  exit 1
}

for name in slurmd slurmctld slurmdbd; do pkill -x "$name" || true; done
mkdir -p /run/munge /run/mysqld /var/spool/slurmctld /var/spool/slurmd /var/log/slurm "$etc"
chown munge: /run/munge
chown mysql: /run/mysqld
chown slurm: /var/spool/slurmctld /var/log/slurm

cat > "$etc/slurmdbd.conf" <<END
AuthType=auth/munge
DbdHost=localhost
SlurmUser=slurm
StorageType=accounting_storage/mysql
StorageHost=localhost
StorageUser=slurm
StoragePass=$password
StorageLoc=slurm_acct_db
LogFile=/var/log/slurm/slurmdbd.log
PidFile=/run/slurmdbd.pid
END
chown slurm: "$etc/slurmdbd.conf"
chmod 600 "$etc/slurmdbd.conf"

cat > "$etc/slurm.conf" <<END
ClusterName=test
SlurmctldHost=$host(127.0.0.1)
SlurmUser=slurm
AuthType=auth/munge
StateSaveLocation=/var/spool/slurmctld
SlurmdSpoolDir=/var/spool/slurmd
SlurmctldPidFile=/run/slurmctld.pid
SlurmdPidFile=/run/slurmd.pid
SlurmctldLogFile=/var/log/slurm/slurmctld.log
SlurmdLogFile=/var/log/slurm/slurmd.log
# Containers have no control groups to give away.
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
ReturnToService=2
AccountingStorageType=accounting_storage/slurmdbd
AccountingStorageHost=localhost
JobAcctGatherType=jobacct_gather/linux
JobRequeue=1
NodeName=$host NodeAddr=127.0.0.1 CPUs=$(nproc) State=UNKNOWN
PartitionName=test Nodes=ALL Default=YES MaxTime=INFINITE State=UP
END
printf 'CgroupAutomount=no\nConstrainCores=no\nConstrainRAMSpace=no\n' > "$etc/cgroup.conf"

pgrep -x munged >/dev/null || runuser -u munge -- munged
pgrep -x mariadbd >/dev/null || (setsid mariadbd --user=mysql >/var/log/slurm/mariadb.log 2>&1 &)
wait_for mariadb -e 'select 1'
mariadb -e "create database if not exists slurm_acct_db;
  create or replace user slurm@localhost identified by '$password';
  grant all on slurm_acct_db.* to slurm@localhost"

slurmdbd
wait_for sacctmgr --noheader list cluster
sacctmgr --immediate add cluster test >/dev/null 2>&1 || true
slurmctld
slurmd
wait_for sh -c 'sinfo --noheader | grep -q idle'
wait_for sacct --noheader
sinfo
