import { type ErrorCode, errorCatalogue, errorEntry } from "../../contract/error-catalogue.ts";
import { errors as de } from "./de/errors.ts";
import { errors as en } from "./en/errors.ts";
import type { Language } from "./strings.ts";

/** What a person reads of a failure. */
export interface ErrorText {
  readonly title: string;
  readonly why: string;
  readonly whatToTry: string;
}

/** What a language says otherwise than the catalogue, which speaks English and of the command line. */
export type ErrorTexts = Partial<Record<ErrorCode, Partial<ErrorText>>>;

const languages: Readonly<Record<Language, ErrorTexts>> = { en, de };

/** The texts of a code in a language; what the language lacks is in English. Unknown codes read as internal. */
export function errorText(code: string, language: Language): ErrorText {
  const { title, why, whatToTry } = errorEntry(code);
  return { title, why, whatToTry, ...(isKnown(code) ? languages[language][code] : languages[language].internal) };
}

function isKnown(code: string): code is ErrorCode {
  return Object.hasOwn(errorCatalogue, code);
}
