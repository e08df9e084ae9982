import { XMLParser } from "fast-xml-parser";
import { type S3Answer, S3Error } from "./protocol.ts";

const NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/";

type XmlValue = string | number | boolean | undefined | XmlElement | readonly XmlElement[];
/** An element's children by name; a list repeats the element. */
export interface XmlElement {
  readonly [name: string]: XmlValue;
}

/** An answer with an XML document; children without a value are left out. */
export function xmlAnswer(
  root: string,
  children: XmlElement,
  headers: Readonly<Record<string, string>> = {},
): S3Answer {
  const body = `<?xml version="1.0" encoding="UTF-8"?>\n<${root} xmlns="${NAMESPACE}">${inner(children)}</${root}>`;
  return { status: 200, headers: { "content-type": "application/xml", ...headers }, body };
}

/** S3 sends its errors without a namespace. */
export function xmlError(error: S3Error, resource: string): S3Answer {
  const told = { Code: error.code, Message: error.message, Resource: resource, RequestId: "TEST", HostId: "test" };
  return {
    status: error.status,
    headers: { "content-type": "application/xml", ...error.headers },
    body: `<?xml version="1.0" encoding="UTF-8"?>\n<Error>${inner(told)}</Error>`,
  };
}

function inner(children: XmlElement): string {
  return Object.entries(children)
    .map(([name, value]) => elements(name, value))
    .join("");
}

function elements(name: string, value: XmlValue): string {
  if (value === undefined) return "";
  if (isList(value)) return value.map((item) => elements(name, item)).join("");
  return `<${name}>${typeof value === "object" ? inner(value) : escapeXml(String(value))}</${name}>`;
}

function isList(value: XmlValue): value is readonly XmlElement[] {
  return Array.isArray(value);
}

function escapeXml(text: string): string {
  return text.replace(/[&<>"'\t\n\r]/g, (character) => `&#${character.charCodeAt(0)};`);
}

export interface CompletedPart {
  readonly partNumber: number;
  readonly etag: string;
  /** Checksums by the name of their element, such as `ChecksumSHA256`. */
  readonly told: Readonly<Record<string, string>>;
}

/** The list of parts in the body of CompleteMultipartUpload. Throws 400 MalformedXML. */
export function parseCompletedParts(body: Buffer): CompletedPart[] {
  const parser = new XMLParser({ isArray: (name) => name === "Part", parseTagValue: false });
  const document: unknown = parser.parse(body);
  const parts = (document as { CompleteMultipartUpload?: { Part?: Record<string, string>[] } }).CompleteMultipartUpload;
  if (!parts?.Part) throw new S3Error(400, "MalformedXML", "The XML you provided was not well-formed.");
  return parts.Part.map((part) => ({
    partNumber: Number(part.PartNumber),
    etag: unquoted(part.ETag ?? ""),
    told: part,
  }));
}

function unquoted(etag: string): string {
  return etag.replaceAll("&quot;", "").replaceAll('"', "");
}
