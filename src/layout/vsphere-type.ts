import { ALL_ALLOWED, type WorkloadTypeFacts } from '../domain/sources/workload-rules.js';

/** Machines of ESXi, vCenter and Cloud Director, whatever tool took them. */
export const VSPHERE: WorkloadTypeFacts = {
  id: 'vmware-vsphere',
  title: 'VMware vSphere and Cloud Director',
  rules: ALL_ALLOWED,
};
