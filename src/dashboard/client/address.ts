/** Filters and steps that stand in the address, so that it can be sent to a colleague. */

import { useLocation, useSearch } from 'wouter';

type AddressFields = Readonly<Record<string, string>>;

/** The fields of the query, and how to change some of them at once; an empty value leaves the address. */
export function useAddress(): [URLSearchParams, (changes: AddressFields) => void] {
  const search = useSearch();
  const [path, navigate] = useLocation();
  const change = (changes: AddressFields): void => {
    const fields = new URLSearchParams(window.location.search);
    for (const [name, value] of Object.entries(changes))
      if (value === '') fields.delete(name);
      else fields.set(name, value);
    const query = fields.toString();
    navigate(query === '' ? path : `${path}?${query}`, { replace: true });
  };
  return [new URLSearchParams(search), change];
}

export function useAddressField(name: string): [string, (value: string) => void] {
  const [fields, change] = useAddress();
  return [fields.get(name) ?? '', (value) => change({ [name]: value })];
}
